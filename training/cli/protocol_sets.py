"""The data sets of a protocol as manifests."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from scanner.base.logs import print_text

from ..config.protocols.reader import DataSet, Protocol, ProtocolError
from ..data.importers.found import Found
from ..data.importers.layouts import importer_named
from ..data.importers.splits import Naming, Shares, said, with_splits
from ..data.manifest import Row, write_manifest
from ..data.videos.frames import with_compression, with_frames, with_groups_as_videos


def present(protocol: Protocol, root: Path, *, skip_missing: bool) -> Protocol:
    """The protocol, without test sets that are not there where these may be skipped. Raises ProtocolError."""
    missing = {each.source: root / each.path for each in (*protocol.train, *protocol.test) if not (root / each.path).exists()}
    needed = [each.source for each in protocol.train if each.source in missing]
    if missing and (needed or not skip_missing):
        listed = ", ".join(f"{source} ({path})" for source, path in missing.items())
        advice = "name the folder that holds them with --root" + ("" if needed else ", or leave them out with --skip-missing")
        raise ProtocolError(f"data sets are not there: {listed}; {advice}")
    for source in missing:
        print_text(f"{source} is not there, and is left out", err=True)
    return replace(protocol, test=tuple(each for each in protocol.test if each.source not in missing))


def write_manifests(protocol: Protocol, root: Path, folder: Path) -> tuple[Path, list[Path]]:
    """Write the manifest to train with, which has the sets' own splits, and one for each test set, all of split `test`.

    Raises ImportFailed and ManifestError.
    """
    train = folder / "train.csv"
    rows: list[Row] = []
    for each in protocol.train:
        imported = with_splits(_found(each, protocol, root), Naming(each.source, each.family, each.generator), Shares())
        _tell(each, imported.rows, said(imported.left_out))
        rows += imported.rows
    write_manifest(train, rows, replace=True)
    tests = []
    for number, each in enumerate(protocol.test, start=1):
        found = _only_tested(_found(each, protocol, root))
        imported = with_splits(found, Naming(each.source, each.family, each.generator), Shares(0, 1))
        _tell(each, imported.rows, said(imported.left_out))
        tests.append(folder / f"test-{number}.csv")
        write_manifest(tests[-1], imported.rows, replace=True)
    return train, tests


def _found(of: DataSet, protocol: Protocol, root: Path) -> Found:
    images_root = root / of.images_root if of.images_root else None
    found = importer_named(of.layout)(root / of.path, images_root=images_root, group_by_folder=of.group_by != "file")
    if of.group_by == "video":
        found = with_groups_as_videos(found)
    found = with_compression(found, of.compression) if of.compression else found
    frames = of.frames or protocol.frames
    return with_frames(found, frames) if frames and any(picture.video for picture in found.pictures) else found


def _only_tested(found: Found) -> Found:
    """What the set itself tests on; its split val where it has no test, and all where it has neither.

    What is in no split is tested on, too: so are the videos that a set lists under all its splits. It becomes one split, since
    nothing else of the set is used.
    """
    by_split = [tuple(picture for picture in found.pictures if picture.split in splits) for splits in (("test", None), ("val",))]
    chosen = next(filter(None, by_split), found.pictures)
    left_out = Counter(found.left_out) + Counter({"not of its test split": len(found.pictures) - len(chosen)})
    return Found(tuple(replace(picture, split="test") for picture in chosen), left_out)


def _tell(of: DataSet, rows: Sequence[Row], left_out: str) -> None:
    videos, fake = len({row.video for row in rows if row.video}), sum(row.label for row in rows)
    counts = f"{len(rows) - fake:,} real, {fake:,} fake" + (f", of {videos:,} videos" if videos else "")
    print_text(f"{of.source}: {counts}" + (f"; left out: {left_out}" if left_out else ""), err=True)
