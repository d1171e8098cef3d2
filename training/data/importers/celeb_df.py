"""Celeb-DF (Li et al. 2020): Celeb-real, YouTube-real, Celeb-synthesis, and List_of_testing_videos.txt.

Cut into frames: Celeb-real/VIDEO/*.png, or Celeb-real/frames/VIDEO/*.png as DeepfakeBench does. Nearly everybody in the official
test list is in the other videos, too: with it little is left to train on, and without it (--splits group) whole people are
divided, of whom there are few groups. The set is mostly good for measuring.
"""

from pathlib import Path

from .found import Found, ImportFailed, Picture
from .people import groups_of, people_of_celeb_df
from .tree import pictures_under

_LABELS = {"celeb-real": 0, "youtube-real": 0, "celeb-synthesis": 1}
_LIST = "List_of_testing_videos.txt"


def find(root: Path, *, images_root: Path | None = None, group_by_folder: bool = False) -> Found:
    """The group of a video is all who are linked by having their faces swapped. Raises ImportFailed for another layout."""
    found = [(root / path, *_place(root, path)) for path in pictures_under(root)]
    groups = groups_of({video: people_of_celeb_df(video) for _, _, video in found}.values())
    tested = _tested(root)
    if tested is not None and not tested & {(folder, video) for _, folder, video in found}:
        raise ImportFailed(f"{root / _LIST}: names none of the videos that are here; remove it if it belongs to another version")
    return Found(
        tuple(
            Picture(
                path,
                _LABELS[folder],
                group=groups[people_of_celeb_df(video)[0]],
                split=None if tested is None else "test" if (folder, video) in tested else "train",
                generator="celeb-df" if _LABELS[folder] else folder,
                family="faceswap_video",
                video=f"{folder}/{video}",
            )
            for path, folder, video in found
        )
    )


def _place(root: Path, path: Path) -> tuple[str, str]:
    """The set's folder, in small letters, and the video."""
    parts = path.parts[:-1]
    at = next((i for i, part in enumerate(parts) if part.lower() in _LABELS), None)
    if at is None or len(parts) < at + 2 or parts[-1] in ("frames", "faces", "images"):
        raise ImportFailed(
            f"{root / path.parent}: Celeb-DF's pictures lie in Celeb-real/VIDEO, YouTube-real/VIDEO and Celeb-synthesis/VIDEO"
        )
    return parts[at].lower(), parts[-1]


def _tested(root: Path) -> set[tuple[str, str]] | None:
    """The videos that are for testing, by folder and name. The figure before each is 1 for real: the folder says it, too."""
    try:
        lines = (root / _LIST).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return None
    named = [Path(line.split(maxsplit=1)[-1].strip()) for line in lines if line.strip()]
    return {(file.parent.name.lower(), file.stem) for file in named}
