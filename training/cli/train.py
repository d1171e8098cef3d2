"""`dfscan train`."""

import sys
from contextlib import ExitStack
from pathlib import Path

import click

from scanner.base.settings import Settings

from .context import pass_settings


@click.command()
@click.option(
    "--recipe", default="lite", show_default=True, help="A name (lite, robust, paper, ...) or a .toml file of your own."
)
@click.option("--data", "manifest_path", type=click.Path(path_type=Path), help="The manifest (CSV); `dfscan manifest` makes one.")
@click.option("--from-reviews", is_flag=True, help="Also learn from what was reviewed as fake or real.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs/train"), show_default=True, help="Folder of the run.")
@click.option("--resume", is_flag=True, help="Go on with the unfinished run in --out.")
@click.option("--from", "start", type=click.Path(path_type=Path), help="Start from this checkpoint instead of public weights.")
@click.option("--epochs", type=click.IntRange(min=1), help="Other than the recipe's.")
@click.option("--device", default="auto", show_default=True)
@click.option("--loaders", default=1, show_default=True, type=click.IntRange(min=0), help="Processes that load pictures.")
@click.option("--clip-weights", type=click.Path(path_type=Path), help="OpenAI's CLIP ViT-B/32 as a safetensors file.")
@click.option("--resnet-weights", type=click.Path(path_type=Path), help="torchvision's ResNet101 (ImageNet).")
@pass_settings
def train(
    settings: Settings,
    recipe: str,
    manifest_path: Path | None,
    from_reviews: bool,
    out: Path,
    resume: bool,
    start: Path | None,
    epochs: int | None,
    device: str,
    loaders: int,
    clip_weights: Path | None,
    resnet_weights: Path | None,
) -> None:
    """Train a detector from a manifest and write its checkpoint.

    Under `torchrun --nproc-per-node N -m scanner train ...` N processes share each batch.
    """
    from dataclasses import replace

    from worker.detector.image.picture import prepare_pillow
    from worker.detector.inference.device import choose_device
    from worker.detector.weights.public_weights import backbone_files

    from ..config.recipes.reader import recipe_named
    from ..loop.distributed import joined
    from ..loop.run import Run, prepare_folder, run_training, start_weights
    from ..loop.run_log import shown_progress
    from .training_set import checked, gathered

    chosen = recipe_named(recipe)
    if epochs:
        # Fewer leave out the first, which are smaller.
        sizes = chosen.plan.sizes[-epochs:]
        chosen = replace(chosen, plan=replace(chosen.plan, epochs=epochs, sizes=sizes))
    # Before any data is read: without its weights nothing can begin.
    named_clip = Path(settings.clip_weights) if settings.clip_weights else None
    files = backbone_files(settings.data_dir, clip_weights or named_clip, resnet_weights)
    weights = start_weights(chosen.network, files, start)
    prepare_pillow()
    prepare_folder(out, resume=resume)
    with ExitStack() as stack:
        team = stack.enter_context(joined(choose_device(device).name))

        def say(line: str) -> None:
            if team.leads:
                click.echo(line, err=True)

        found = gathered(settings, manifest_path, from_reviews=from_reviews, say=say)
        manifest = checked(found, out, loaders, team, say)
        show = stack.enter_context(shown_progress(interactive=sys.stderr.isatty()))
        path = run_training(Run(chosen, manifest, out, team, weights, loaders), show=show, say=say)
        if path:
            click.echo(path)
