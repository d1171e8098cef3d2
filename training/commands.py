"""`dfscan train` and `dfscan evaluate`. Light to import: torch comes in when a command runs."""

from pathlib import Path

import click


@click.command()
@click.option("--recipe", default="lite", show_default=True, help="lite, paper, paper-clip-image or paper-resnet.")
@click.option("--data", "manifest_path", required=True, type=click.Path(path_type=Path), help="The manifest (CSV).")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("runs/train"),
    show_default=True,
    help="Folder of the run; an unfinished run in it goes on.",
)
@click.option("--epochs", type=click.IntRange(min=1), help="Fewer or more epochs than the recipe's plan.")
@click.option("--device", default="auto", show_default=True)
@click.option("--loaders", default=1, show_default=True, help="Processes that load pictures.")
@click.option("--clip-weights", type=click.Path(path_type=Path), help="OpenAI's CLIP ViT-B/32 as a safetensors file.")
@click.option("--resnet-weights", type=click.Path(path_type=Path), help="torchvision's ResNet101 (ImageNet).")
def train(
    recipe: str,
    manifest_path: Path,
    out: Path,
    epochs: int | None,
    device: str,
    loaders: int,
    clip_weights: Path | None,
    resnet_weights: Path | None,
) -> None:
    """Train a detector from a manifest and write its checkpoint."""
    from dataclasses import replace

    from worker.detector.backbones import BackboneFiles
    from worker.detector.device import choose_device
    from worker.detector.picture import prepare_pillow
    from worker.detector.recipes import recipe_named

    from .loop import Progress
    from .manifest import read_manifest
    from .plan import plan_for
    from .run import run_training

    def progress(now: Progress) -> None:
        left = (now.steps - now.step) * plan.batch_size / now.images_per_second / 60
        click.echo(
            f"epoch {now.epoch + 1}, step {now.step:,}/{now.steps:,}, loss {now.loss:.4f}, "
            f"{now.images_per_second:.1f} images/s, about {left:.0f} min left",
            err=True,
        )

    prepare_pillow()
    chosen = recipe_named(recipe)
    plan = plan_for(chosen.name)
    if epochs:
        # Fewer leave out the first, which are smaller; more repeat the last.
        plan = replace(plan, sizes=(*plan.sizes, *[plan.sizes[-1]] * max(0, epochs - len(plan.sizes)))[-epochs:])
    path = run_training(
        chosen,
        plan,
        read_manifest(manifest_path),
        out,
        choose_device(device),
        files=BackboneFiles(clip=clip_weights, resnet101=resnet_weights),
        loader_processes=loaders,
        on_progress=progress,
        say=lambda line: click.echo(line, err=True),
    )
    click.echo(path)


@click.command()
@click.argument("checkpoint", type=click.Path(path_type=Path))
@click.option("--data", "manifest_path", required=True, type=click.Path(path_type=Path), help="The manifest (CSV).")
@click.option("--split", default="val", show_default=True)
@click.option("--device", default="auto", show_default=True)
@click.option("--loaders", default=1, show_default=True, help="Processes that load pictures.")
@click.option("--clip-weights", type=click.Path(path_type=Path), help="OpenAI's CLIP ViT-B/32 as a safetensors file.")
@click.option("--json", "as_json", is_flag=True)
def evaluate(
    checkpoint: Path, manifest_path: Path, split: str, device: str, loaders: int, clip_weights: Path | None, as_json: bool
) -> None:
    """Measure a checkpoint on one split of a manifest."""
    import json

    from worker.detector.backbones import BackboneFiles
    from worker.detector.card_text import figures_table
    from worker.detector.device import choose_device
    from worker.detector.picture import prepare_pillow
    from worker.detector.predictor import load_predictor, sigmoid

    from .evaluate import figures, logits_of
    from .manifest import read_manifest

    prepare_pillow()
    rows = read_manifest(manifest_path).of_split(split)
    predictor = load_predictor(checkpoint, choose_device(device), files=BackboneFiles(clip=clip_weights), micro_batch=64)
    card = predictor.card
    logits = logits_of(predictor, rows, processes=loaders)
    scores = sigmoid(card.calibration.slope * logits + card.calibration.offset)
    found = figures(rows, scores, card.threshold, card.band_low)
    click.echo(json.dumps(found, indent=2) if as_json else figures_table(found))
