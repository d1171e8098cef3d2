"""Small trees of image files in the layouts of video sets, and what the importers find in them."""

from pathlib import Path

from PIL import Image

from training.data.importers.found import Found
from training.data.importers.layouts import importer_named
from training.data.importers.splits import Imported, Naming, Shares, with_splits

ORIGINAL, FAKE = "original_sequences/youtube/c23/frames", "manipulated_sequences/Deepfakes/c23/frames"


def planted(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 4)).save(path)
    return root


def found(layout: str, root: Path, images_root: Path | None = None) -> Found:
    return importer_named(layout)(root, images_root=images_root)


def imported(layout: str, root: Path, *, official: bool = True, shares: Shares = Shares()) -> Imported:  # noqa: B008  (frozen)
    return with_splits(found(layout, root), Naming("set"), shares, official=official)


def splits_by_video(of: Imported) -> dict[str, str]:
    return {row.path.parent.name: row.split for row in of.rows}
