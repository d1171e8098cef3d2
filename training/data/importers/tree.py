"""Folders of pictures: what lies in them, and what their names say."""

import os
from collections.abc import Iterator
from pathlib import Path

from scanner.base.escape import in_shell
from scanner.media.formats import has_image_suffix, has_video_suffix

from .found import ImportFailed

_LABELS = {"real": 0, "0_real": 0, "nature": 0, "fake": 1, "1_fake": 1, "ai": 1}
_SPLITS = {"train": "train", "training": "train", "test": "test", "testing": "test"} | dict.fromkeys(
    ("val", "valid", "validation"), "val"
)


def label_of(folder: str) -> int | None:
    """1 for a folder of fakes, 0 for one of reals, None for any other. By its name, in any case: never by its place."""
    return _LABELS.get(folder.casefold())


def split_of(folder: str) -> str | None:
    """train, val or test if the folder is called so (or valid, validation, ...), else None."""
    return _SPLITS.get(folder.casefold())


def pictures_under(root: Path) -> Iterator[Path]:
    """All files under `root` that are named like an image, relative to it, in order.

    Hidden files and what archives of other systems leave behind are passed over. Links to folders are followed: large sets
    are often put together by them. Raises ImportFailed when there is nothing, with a word on videos if there are only those.
    """
    if not root.is_dir():
        raise ImportFailed(f"{root} is no folder; name the folder that the data set was unpacked to")
    pictures = videos = 0
    entered: set[tuple[int, int]] = set()
    for folder, folders, files in os.walk(root, followlinks=True, onerror=_refuse):
        status = os.stat(folder)
        if (status.st_dev, status.st_ino) in entered:
            folders.clear()  # a link to where we have been
            continue
        entered.add((status.st_dev, status.st_ino))
        folders[:] = sorted(name for name in folders if not _is_debris(name))
        relative = Path(folder).relative_to(root)
        for name in sorted(files):
            if _is_debris(name):
                continue
            if has_image_suffix(name):
                pictures += 1
                yield relative / name
            elif has_video_suffix(name):
                videos += 1
    if not pictures:
        hint = (
            f"only {videos:,} videos. Cut them into frames first, one folder per video: "
            f"dfscan manifest frames {in_shell(str(root))} -o FOLDER"
            if videos
            else "is the path right?"
        )
        raise ImportFailed(f"{root}: holds no pictures, {hint}")


def _is_debris(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"


def _refuse(error: OSError) -> None:
    raise ImportFailed(f"{error.filename} cannot be read: {error.strerror}") from None
