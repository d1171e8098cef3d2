"""`dfscan protocol`."""

import json
import sys
from contextlib import redirect_stdout
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scanner.base.addresses.parameters import USER_FILE
from scanner.base.files import try_writing, write_whole
from scanner.base.logs import print_text
from scanner.base.settings import Settings

from ..records.run_notes import finished_checkpoint
from .context import pass_settings
from .matrix import measured
from .train import train

if TYPE_CHECKING:
    from ..config.protocols.reader import Protocol

_RECORD = "protocol.json"


@click.command()
@click.argument("protocol", metavar="PROTOCOL")
@click.option("--root", type=USER_FILE, help="The folder that the protocol's paths start at; without, that of its file.")
@click.option("--out", type=USER_FILE, default=Path("runs/protocol"), show_default=True, help="Folder of everything it makes.")
@click.option("--recipe", help="Another recipe than the protocol's.")
@click.option("--set", "changes", multiple=True, metavar="TABLE.KEY=VALUE", help="A field of the recipe.")
@click.option("--seeds", type=click.IntRange(min=1), help="Train with so many seeds; mean and deviation.")
@click.option("--skip-missing", is_flag=True, help="Leave out test sets that are not there.")
@click.option("--device", default="auto", show_default=True)
@click.option("--loaders", default=1, show_default=True, type=click.IntRange(min=0), help="Processes that load pictures.")
@click.option("--clip-weights", type=USER_FILE, help="OpenAI's CLIP ViT-B/32 as a safetensors file.")
@click.option("--resnet-weights", type=USER_FILE, help="torchvision's ResNet101 (ImageNet).")
@click.option("--json", "as_json", is_flag=True)
@pass_settings
def protocol(
    settings: Settings,
    protocol: str,
    root: Path | None,
    out: Path,
    recipe: str | None,
    changes: tuple[str, ...],
    seeds: int | None,
    skip_missing: bool,
    device: str,
    loaders: int,
    clip_weights: Path | None,
    resnet_weights: Path | None,
    as_json: bool,
) -> None:
    """Train on some data sets and test on others, as a published PROTOCOL has it (deepfakebench, or a .toml file of your own).

    What is done already is not done again: after an interruption the same command goes on.
    """
    from ..config.protocols.reader import ProtocolError, protocol_named
    from ..config.recipes.reader import HeadsRecipe, recipe_named
    from ..data.manifest import read_manifest
    from ..reports.matrix import matrix_of
    from ..reports.matrix_text import matrix_text, write_matrix
    from .protocol_sets import present, write_manifests

    said = protocol_named(protocol)
    said = replace(said, recipe=recipe or said.recipe, set=(*said.set, *changes), seeds=seeds or said.seeds)
    own = Path(protocol).parent if protocol.endswith(".toml") else None
    if own and not recipe and said.recipe.endswith(".toml"):
        said = replace(said, recipe=str(own / said.recipe))
    if (root := root or own) is None:
        raise click.UsageError(f"name the folder with the data sets of {protocol} with --root")
    chosen = recipe_named(said.recipe, said.set)
    said = present(said, root, skip_missing=skip_missing)
    try:
        try_writing(out)
    except OSError as error:
        raise ProtocolError(f"{out} cannot be written: {error.strerror}; choose another --out") from None
    manifest, tests = write_manifests(said, root, out / "manifests")
    _refuse_another(out, said, read_manifest(manifest).sha256)
    if not (checkpoints := _trained(out, said.seeds)):
        with redirect_stdout(sys.stderr):  # where it says where the checkpoint is; ours is the table
            click.get_current_context().invoke(
                train,
                recipe=said.recipe,
                manifest_path=manifest,
                out=out / "run",
                resume=not isinstance(chosen, HeadsRecipe),
                start=said.start or None,
                changes=said.set,
                seeds=said.seeds if said.seeds > 1 else None,
                device=device,
                loaders=loaders,
                clip_weights=clip_weights,
                resnet_weights=resnet_weights,
            )
        checkpoints = _trained(out, said.seeds)
    sets = [*([manifest] if read_manifest(manifest).has_split("test") else []), *tests]
    if not sets:
        raise ProtocolError(
            "there is nothing to test on: no set of `test` is there, and those of `train` have no split test; "
            "bring one of the sets"
        )
    found = []
    for path in checkpoints:
        found += measured(settings, path, sets, "test", clip_weights, device, loaders, with_faces=said.faces, out=out)
    by_source = matrix_of(found, "source")
    for document in (by_source, matrix_of(found, "generator")):
        if document["tested_on"]:
            print_text(f"written to {write_matrix(document, out, 'auc')}", err=True)
    if as_json:
        click.echo(json.dumps(by_source, indent=2, allow_nan=False))
    else:
        print_text(matrix_text(by_source, "auc"))


def _refuse_another(out: Path, said: "Protocol", manifest_sha256: str) -> None:
    """Note what is trained here, and on what. Raises ProtocolError where something else was; test sets may differ."""
    from ..config.protocols.reader import ProtocolError

    ours = {name: value for name, value in asdict(said).items() if name not in ("test", "faces")}
    record = json.loads(json.dumps({**ours, "manifest_sha256": manifest_sha256}))
    path = out / _RECORD
    try:
        if json.loads(path.read_bytes()) != record:
            raise ProtocolError(f"{out} holds what another protocol, recipe or data made; choose another --out")
    except (FileNotFoundError, ValueError):
        write_whole(path, json.dumps(record, indent=1) + "\n")


def _trained(out: Path, seeds: int) -> list[Path]:
    """The checkpoints, once all are finished: as the notes of their runs say."""
    folders = sorted((out / "run").glob("seed-*")) if seeds > 1 else [out / "run"]
    found = [checkpoint for folder in folders if (checkpoint := finished_checkpoint(folder)) is not None]
    return found if len(found) == seeds else []
