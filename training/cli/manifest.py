"""`dfscan manifest`: make manifests from data sets, put them together, check them. Light to import."""

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scanner.base.addresses.parameters import USER_FILE
from scanner.base.logs import print_text

from ..data.importers.layouts import LAYOUTS, default_source, importer_named
from ..data.manifest import ManifestError, Row, read_manifest, write_manifest
from ..data.videos.frames import COMPRESSIONS
from .context import write_as_user

if TYPE_CHECKING:
    from ..data.bias import Bias
    from ..data.leaks import Leaks

_LISTED = "\n".join(f"    {layout:14} {said}" for layout, said in LAYOUTS.items())
_output = click.option("-o", "--output", type=USER_FILE, default=Path("manifest.csv"), show_default=True, help="The manifest.")
_force = click.option("--force", is_flag=True, help="Overwrite the manifest if there is one.")


@click.group()
def manifest() -> None:
    """Lists of pictures to train on and to measure with."""
    write_as_user()


@manifest.command("import", help=f"Make a manifest from a data set.\n\n\b\nLAYOUT is one of\n{_LISTED}")
@click.argument("layout", type=click.Choice(list(LAYOUTS)), metavar="LAYOUT")
@click.argument("path", type=USER_FILE)
@_output
@click.option("--source", help="What the set is called; default: its layout, or for plain folders and lists their name.")
@click.option("--family", default="", help="The kind of its fakes: face swap, diffusion, ...")
@click.option("--generator", default="", help="What made its fakes; default: what the layout says.")
@click.option("--val-share", default=0.1, show_default=True, help="Share of the groups to validate with, if the set says none.")
@click.option("--test-share", default=0.1, show_default=True, help="Share of the groups to test with, if the set has no splits.")
@click.option(
    "--splits",
    type=click.Choice(["official", "group"]),
    default="official",
    show_default=True,
    help="Keep the set's own splits, or divide its groups anew.",
)
@click.option(
    "--group-by",
    type=click.Choice(["file", "folder", "video"]),
    default="file",
    show_default=True,
    help="Plain folders only: what is never divided. folder: each holds one person, say; video: each holds one video.",
)
@click.option("--compression", type=click.Choice(COMPRESSIONS), help="Only videos compressed so, where the set has several.")
@click.option("--frames", type=click.IntRange(min=1), help="So many frames of each video, evenly spread (DeepfakeBench: 32).")
@click.option("--images-root", type=USER_FILE, help="Where the pictures lie that a JSON file lists.")
@_force
def import_(
    layout: str,
    path: Path,
    output: Path,
    source: str | None,
    family: str,
    generator: str,
    val_share: float,
    test_share: float,
    splits: str,
    group_by: str,
    compression: str | None,
    frames: int | None,
    images_root: Path | None,
    force: bool,
) -> None:
    from ..data.importers.splits import Naming, Shares, said, with_splits
    from ..data.videos.frames import with_compression, with_frames, with_groups_as_videos

    shares = Shares(val_share, test_share)
    _refuse_existing(output, force)
    found = importer_named(layout)(path, images_root=images_root, group_by_folder=group_by != "file")
    if group_by == "video":
        found = with_groups_as_videos(found)
    found = with_compression(found, compression) if compression else found
    found = with_frames(found, frames) if frames else found
    naming = Naming(source or default_source(layout, path.absolute().stem if path.is_file() else path.absolute().name))
    naming = Naming(naming.source, family, generator)
    imported = with_splits(found, naming, shares, official=splits == "official")
    write_manifest(output, imported.rows, replace=force)
    if left_out := said(imported.left_out):
        print_text(f"left out: {left_out}", err=True)
    _tell(output, imported.rows)


@manifest.command()
@click.argument("manifests", nargs=-1, required=True, type=USER_FILE)
@_output
@_force
def merge(manifests: tuple[Path, ...], output: Path, force: bool) -> None:
    """Put several MANIFESTS into one. A picture that is in two of them is taken once, if they agree on it."""
    _refuse_existing(output, force)
    rows: dict[Path, Row] = {}
    for path in manifests:
        for row in read_manifest(path, twice=True).rows:
            known = rows.setdefault(Path(os.path.abspath(row.path)), row)
            if (known.label, known.split) != (row.label, row.split):
                raise ManifestError(f"{path}: {row.path} has another label or split there than in a manifest before it")
    write_manifest(output, list(rows.values()), replace=force)
    _tell(output, list(rows.values()))


@manifest.command()
@click.argument("path", metavar="MANIFEST", type=USER_FILE)
@click.option("--without-leaks", type=USER_FILE, help="Write a manifest here without what leaks or is broken.")
@click.option("--processes", type=click.IntRange(min=0), help="Processes that read pictures; default: one per core, at most 8.")
@click.option("--json", "as_json", is_flag=True)
@_force
def check(path: Path, without_leaks: Path | None, processes: int | None, as_json: bool, force: bool) -> None:
    """Look for what makes results look better than they are. Exit status 1: pictures of one split are in another, too, or
    cannot be read.

    Whether the label can be guessed from how the files are stored is told, and changes no exit status.
    """
    from ..data.bias import find_bias
    from ..data.leaks import find_leaks

    if without_leaks:
        _refuse_existing(without_leaks, force)
    rows = read_manifest(path).rows
    with _progress("comparing pictures") as step:
        leaks = find_leaks(rows, processes=_as_many_as(processes), progress=step)
    with _progress("reading headers") as step:
        broken = {found.row for found in leaks.unreadable}
        bias = find_bias([row for row in rows if row not in broken], progress=step)
    if as_json:
        click.echo(json.dumps(_findings(path, leaks, bias), indent=1))
    else:
        print_text(f"{leaks.text()}\n{bias.text()}")
    if without_leaks:
        kept = leaks.without(rows)
        write_manifest(without_leaks, kept, replace=force)
        print_text(f"{without_leaks}: {len(kept):,} of {len(rows):,} pictures", err=True)
    if leaks:
        click.get_current_context().exit(1)


@manifest.command()
@click.argument("path", metavar="MANIFEST", type=USER_FILE)
@click.option("-o", "--output", required=True, type=USER_FILE, help="A new folder for the crops and manifest.csv.")
@click.option("--size", default=256, show_default=True, type=click.IntRange(min=32), help="Pixels; the recipe's input or more.")
@click.option("--processes", type=click.IntRange(min=0), help="Processes that cut; default: one per core, at most 8.")
@_force
def crop(path: Path, output: Path, size: int, processes: int | None, force: bool) -> None:
    """Cut the faces out of the pictures of MANIFEST, as scanning does, to train with. The pictures stay as they are."""
    from ..data.crops import crop_rows

    target = output / "manifest.csv"
    _refuse_existing(target, force)
    rows = read_manifest(path).rows
    try:
        with _progress("cutting faces") as step:
            cropped = crop_rows(rows, output, size, processes=_as_many_as(processes), progress=step)
    except OSError as error:
        raise ManifestError(f"{output} cannot be written: {error.strerror}; name another folder") from None
    write_manifest(target, cropped.rows, replace=force)
    for reason, pictures in cropped.left_out.items():
        print_text(f"left out: {pictures:,} {reason}", err=True)
    _tell(target, cropped.rows)


@manifest.command()
@click.argument("path", metavar="FOLDER", type=USER_FILE)
@click.option("-o", "--output", required=True, type=USER_FILE, help="Folder for the frames, one folder per video.")
@click.option("--frames", default=32, show_default=True, type=click.IntRange(min=1), help="So many of each video, evenly spread.")
@click.option("--processes", type=click.IntRange(min=0), help="Processes that decode; default: one per core, at most 8.")
def frames(path: Path, output: Path, frames: int, processes: int | None) -> None:
    """Cut the videos under FOLDER into frames (PNG), in the same tree, to import. What is cut already is not cut again."""
    from ..data.videos.cutting import cut_videos

    try:
        with _progress("cutting videos") as step:
            cut = cut_videos(path, output, frames, processes=_as_many_as(processes), progress=step)
    except OSError as error:
        raise ManifestError(f"{error.filename or output} cannot be used: {error.strerror}; name another folder") from None
    for video, reason in cut.left_out.items():
        print_text(f"left out: {video}: {reason}", err=True)
    print_text(f"{cut.videos:,} videos in {output}; `dfscan manifest import` takes them", err=True)
    if cut.left_out:
        click.get_current_context().exit(1)


def _as_many_as(processes: int | None) -> int:
    return min(os.cpu_count() or 1, 8) if processes is None else processes


def _refuse_existing(output: Path, force: bool) -> None:
    """Before the work, not after it."""
    if output.exists() and not force:
        raise ManifestError(f"{output} exists; name another file, or overwrite it with --force")


def _tell(output: Path, rows: Sequence[Row]) -> None:
    """Print what a manifest holds, and what is missing to train with it."""
    videos = any(row.video for row in rows)
    print_text(f"{'source':24} {'split':6} {'real':>9} {'fake':>9} {'groups':>9}" + (f" {'videos':>9}" if videos else ""))
    for source, split in sorted({(row.source, row.split) for row in rows}):
        part = [row for row in rows if (row.source, row.split) == (source, split)]
        fakes = sum(row.label for row in part)
        groups = len({row.group for row in part})
        count = f" {len({row.video for row in part} - {''}):9,}" if videos else ""
        print_text(f"{source:24} {split:6} {len(part) - fakes:9,} {fakes:9,} {groups:9,}{count}")
    for split in ("train", "val"):
        labels = {row.label for row in rows if row.split == split}
        missing = [name for label, name in enumerate(("real", "fake")) if label not in labels]
        if missing:
            print_text(f"note: split {split!r} has no {' and no '.join(missing)} images; training needs both", err=True)
    print_text(f"wrote {output}", err=True)


@contextmanager
def _progress(label: str) -> Iterator[Callable[[int, int], None]]:
    with click.progressbar(length=1, label=label, file=sys.stderr) as bar:

        def step(done: int, of: int) -> None:
            bar.length = of
            bar.update(done - bar.pos)

        yield step


def _findings(path: Path, leaks: "Leaks", bias: "Bias") -> dict[str, Any]:
    return {
        "manifest": str(path),
        "pictures": leaks.pictures,
        "unreadable": [{**_place(found.row), "reason": found.reason} for found in leaks.unreadable],
        "copies": [[_place(row) for row in found.rows] for found in leaks.copies],
        "near_copies": [
            {"picture": _place(one.row), "copy_of": _place(one.other), "distance": one.distance, "mirrored": one.mirrored}
            for one in leaks.near_copies
        ],
        "bias": [
            {
                "source": part.source or None,
                "pictures": part.pictures,
                "auc": part.together.auc,
                "gives_label_away": part.is_told,
                "traits": [
                    {"trait": one.trait, "auc": one.auc, "gives_label_away": one.is_told, "contrast": one.contrast}
                    for one in part.traits
                ],
            }
            for part in bias.parts
        ],
    }


def _place(row: Row) -> dict[str, str]:
    return {"path": str(row.path), "split": row.split, "label": "fake" if row.label else "real", "group": row.group}
