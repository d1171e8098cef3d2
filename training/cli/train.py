"""`dfscan train`."""

import sys
from contextlib import ExitStack
from pathlib import Path

import click

from scanner.base.addresses.parameters import USER_FILE
from scanner.base.logs import print_text
from scanner.base.settings import Settings

from .context import pass_settings
from .train_heads import HeadsRequest, measure_left_out, train_heads


@click.command()
@click.option(
    "--recipe", default="lite", show_default=True, help="A name (lite, fusion, paper, ...) or a .toml file of your own."
)
@click.option("--data", "manifest_path", type=USER_FILE, help="The manifest (CSV); `dfscan manifest` makes one.")
@click.option("--from-reviews", is_flag=True, help="Also learn from what was reviewed as fake or real.")
@click.option("--out", type=USER_FILE, default=Path("runs/train"), show_default=True, help="Folder of the run.")
@click.option("--resume", is_flag=True, help="Go on with the unfinished run in --out.")
@click.option("--from", "start", help="Start from this checkpoint (a name or a file) instead of public weights.")
@click.option("--leave-out", help="A source to leave out, and to measure on at the end.")
@click.option("--leave-out-generator", help="A generator whose fakes to leave out, and to measure on at the end.")
@click.option("--leave-out-each", is_flag=True, help="Leave out each source in turn, and print the table.")
@click.option("--leave-out-each-generator", is_flag=True, help="Leave out the fakes of each generator in turn; the table.")
@click.option("--cache", type=USER_FILE, help="Folder of embeddings of frozen branches, for all runs.")
@click.option("--no-cache", is_flag=True, help="Compute frozen branches anew in every epoch.")
@click.option("--decoded-cache", type=USER_FILE, help="Folder of decoded pictures of the training set; without, none are kept.")
@click.option(
    "--decoded-limit", type=click.FloatRange(min=0, min_open=True), help="Its size in GB at most; without, all pictures."
)
@click.option(
    "--bfloat16", is_flag=True, help="Embed by CLIP in bfloat16 (recipes with [heads]): quicker where the processor has it."
)
@click.option("--set", "changes", multiple=True, metavar="TABLE.KEY=VALUE", help="A field of the recipe, for this run.")
@click.option("--seed", type=click.IntRange(min=0), help="Other than the recipe's.")
@click.option("--seeds", type=click.IntRange(min=2), help="So many runs, each with a seed of its own; mean and deviation.")
@click.option("--epochs", type=click.IntRange(min=1), help="Other than the recipe's, of each stage.")
@click.option("--device", default="auto", show_default=True)
@click.option("--loaders", type=click.IntRange(min=0), help="Processes that load pictures; without, as many as keep up.")
@click.option("--clip-weights", type=USER_FILE, help="OpenAI's CLIP ViT-B/32 as a safetensors file.")
@click.option("--resnet-weights", type=USER_FILE, help="torchvision's ResNet101 (ImageNet).")
@pass_settings
def train(
    settings: Settings,
    recipe: str,
    manifest_path: Path | None,
    from_reviews: bool,
    out: Path,
    resume: bool,
    start: str | None,
    leave_out: str | None,
    leave_out_generator: str | None,
    leave_out_each: bool,
    leave_out_each_generator: bool,
    cache: Path | None,
    no_cache: bool,
    decoded_cache: Path | None,
    decoded_limit: float | None,
    bfloat16: bool,
    changes: tuple[str, ...],
    seed: int | None,
    seeds: int | None,
    epochs: int | None,
    device: str,
    loaders: int | None,
    clip_weights: Path | None,
    resnet_weights: Path | None,
) -> None:
    """Train a detector from a manifest and write its checkpoint.

    Under `torchrun --nproc-per-node N -m scanner train ...` N processes share each batch.
    """
    from dataclasses import replace

    from worker.detector.image.picture import prepare_pillow
    from worker.detector.inference.device import choose_device
    from worker.detector.inference.registry import find_checkpoint
    from worker.detector.weights.public_weights import backbone_files

    from ..config.recipes.reader import HeadsRecipe, recipe_named, with_seed
    from ..data.cache_files import demand_folder
    from ..evaluation.left_out import LeftOut, without
    from ..loop.distributed import joined
    from ..loop.progress import Progress
    from ..loop.run import run_training
    from ..loop.run_log import shown_progress
    from ..loop.schedule import without_unknown_repeats
    from ..loop.seeds import prepare_seeds, run_seeds, seed_folders
    from ..loop.stages.request import Run, as_begun, prepare_folder, start_weights
    from .leave_each_out import leave_each_out
    from .notes import notes_of, write_seeds_readme
    from .training_set import checked, gathered

    if sum(map(bool, (leave_out, leave_out_generator, leave_out_each, leave_out_each_generator))) > 1:
        raise click.UsageError("leave out one thing, or each in turn: --leave-out and its like do not go together")
    gone = LeftOut("source", leave_out) if leave_out else None
    gone = LeftOut("generator", leave_out_generator) if leave_out_generator else gone
    chosen = recipe_named(recipe, changes)
    if seed is not None:
        chosen = with_seed(chosen, seed)
    some = 1 if loaders is None else loaders
    # Before any data is read: without its weights nothing can begin.
    named_clip = Path(settings.clip_weights) if settings.clip_weights else None
    files = backbone_files(settings.data_dir, clip_weights or named_clip, resnet_weights)
    started = find_checkpoint(start, settings.data_dir) if start else None
    heads = isinstance(chosen, HeadsRecipe)
    if leave_out_each_generator or (leave_out_each and not heads):
        leave_each_out(click.get_current_context(), "generator" if leave_out_each_generator else "source", resumes=not heads)
        return
    if isinstance(chosen, HeadsRecipe):
        if epochs or resume or seeds:
            raise click.UsageError(
                "heads have no epochs, no --seeds, and nothing to resume: embeddings that are there are not made anew"
            )
        if no_cache:
            raise click.UsageError("heads are fitted on kept embeddings: --no-cache is for recipes that train by gradients")
        if started is None:
            raise click.UsageError("name the checkpoint of the CNN with --from, `--from lite` for the bundled one")
        if decoded_cache:
            raise click.UsageError("heads see each view once: --decoded-cache is for recipes that train by gradients")
        request = HeadsRequest(chosen, out, started, files, cache, choose_device(device), some, gone, leave_out_each, bfloat16)
        train_heads(settings, request, manifest_path, from_reviews=from_reviews)
        return
    if bfloat16:
        raise click.UsageError("--bfloat16 is for recipes with [heads], `fusion` for one")
    if decoded_limit and not decoded_cache:
        raise click.UsageError("--decoded-limit bounds --decoded-cache, which is not given")
    if epochs:
        first = chosen.plan.first and replace(chosen.plan.first, epochs=epochs)
        chosen = replace(chosen, plan=replace(chosen.plan.lasting(epochs), first=first))
    for cached in (decoded_cache, None if no_cache else cache):
        if cached:
            demand_folder(cached)
    weights = start_weights(chosen.network, files, started)
    prepare_pillow()
    if seeds:
        with_seed(chosen, chosen.plan.seed + seeds - 1)
        prepare_seeds(out, chosen.plan.seed, seeds, resume=resume)
    else:
        prepare_folder(out, resume=resume)
    with ExitStack() as stack:
        team = stack.enter_context(joined(choose_device(device).name))

        def say(line: str) -> None:
            if team.leads:
                print_text(line, err=True)

        found = gathered(settings, manifest_path, from_reviews=from_reviews, say=say, out=gone)
        own = recipe.endswith(".toml") or any(change.startswith("plan.repeat") for change in changes)
        plan = without_unknown_repeats(found.without(()).rows, chosen.plan, say, own=own)
        manifest = checked(found, out, some, team, say)
        kept, left_out = without(manifest, gone) if gone else (manifest, ())
        folder = None if no_cache else cache or settings.cache / "embeddings"
        show = stack.enter_context(shown_progress(interactive=sys.stderr.isatty()))

        def trained(run: Run) -> Path | None:
            if not team.leads:
                return run_training(run, show=show, say=say)
            notes = notes_of(
                run.recipe,
                run.manifest,
                run.folder,
                named=manifest_path,
                start=started,
                device=str(team.device),
                processes=team.size,
                left_out=gone.name if gone else "",
            )

            def shown(now: Progress) -> None:
                notes.begin()  # a step is done: the folder is no other run's
                show(now)

            path = run_training(run, show=shown, say=say, note=notes.epoch, note_first=notes.first_epoch)
            assert path is not None
            if gone:
                measure_left_out(path, files, gone, left_out, kept.of_split("val"), some, say)
            notes.finish(path)
            return path

        limit = decoded_limit * 1e9 if decoded_limit else None
        run = Run(replace(chosen, plan=plan), kept, out, team, weights, loaders, folder, decoded_cache, limit)
        folders = list(seed_folders(out, plan.seed, seeds).values()) if seeds else []
        if folders and team.leads:
            write_seeds_readme(out, chosen.network.name, folders, None)
        path = run_seeds(run, seeds, trained, say, leaves_out=gone is not None) if seeds else trained(as_begun(run, say))
        if path and folders:
            write_seeds_readme(out, chosen.network.name, folders, path)
        if path:
            print_text(str(path))
