"""DeepfakeBench (Yan et al. 2023): {SET: {LABEL: {split: {[compression:] {video: {label, frames}}}}}} in JSON.

The files list some videos under several splits (`val` is often a copy of `train` or `test`, Celeb-DF's `train` holds its `test`,
sets without splits are in all three). Each video is taken once.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from .found import Found, ImportFailed, Picture
from .people import groups_of, people_of_celeb_df, people_of_faceforensics
from .tree import split_of

_REAL = re.compile(r".*[_-]real", re.IGNORECASE)
_FAKE = re.compile(r".*_fake\w?|FF-(?:DF|F2F|FS|NT|FH|SH)", re.IGNORECASE)
_GONE = "listed, but not there"


@dataclass
class _Video:
    """One video of one label and compression ("" where none is named), with all that is listed of it."""

    label: str
    compression: str
    name: str
    splits: set[str] = field(default_factory=set)
    frames: dict[str, None] = field(default_factory=dict)

    @property
    def people(self) -> tuple[str, ...]:
        if self.label.startswith(("FF-", "DFD_")):
            return people_of_faceforensics(self.name)
        return people_of_celeb_df(self.name) if self.label.startswith("CelebDF") else (self.name,)


def find(root: Path, *, images_root: Path | None = None, group_by_folder: bool = False) -> Found:
    """`root` is one JSON file; its paths, with either kind of slash, are looked for under `images_root` (or beside it).

    Raises ImportFailed for a file of another shape, a label that says neither real nor fake, and when no frame is found.
    """
    try:
        listed = json.loads(root.read_bytes())
        videos = _videos(listed)
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise ImportFailed(f"{root}: is no JSON file of DeepfakeBench: {error}") from None
    unsplit = _unsplit(videos)
    groups = groups_of(video.people for video in videos)
    frames = _Frames(images_root or root.parent)
    pictures, gone = [], 0
    for video in videos:
        label = _label(root, video.label)
        for frame in video.frames:
            path = frames.find(frame)
            if path is None:
                gone += 1
                continue
            split = None if video.label in unsplit else _split(video.splits)
            named = "/".join(part for part in (video.label, video.compression, video.name) if part)
            group, compression = groups[video.people[0]], video.compression
            pictures.append(Picture(path, label, group, split, video.label, video=named, compression=compression))
    if not pictures:
        example = next((frame for video in videos for frame in video.frames), "no frame at all")
        raise ImportFailed(f"{root}: none of its {gone:,} frames is under {frames.root} (it lists {example}); set --images-root")
    return Found(tuple(pictures), {_GONE: gone})


def _videos(listed: dict[str, Any]) -> list[_Video]:
    found: dict[tuple[str, str, str], _Video] = {}
    for labels in listed.values():
        for label, splits in labels.items():
            for split, below in splits.items():
                for compression, name, video in _leaves(below, split):
                    one = found.setdefault((label, compression, name), _Video(label, compression, name))
                    one.splits.add(split_of(split) or split)
                    one.frames |= dict.fromkeys(video["frames"])
    return list(found.values())


def _leaves(below: dict[str, Any], name: str, compression: str = "") -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Compression, name and content of the videos, whether or not there is a level for the compression.

    DFDC's `val` is one without a name: it is in train.
    """
    if "frames" in below:
        parents = {PureWindowsPath(frame).parent.name for frame in below["frames"]}
        yield compression, (parents.pop() if len(parents) == 1 else name), below
        return
    for key, value in below.items():
        if isinstance(value.get("frames"), list):
            yield compression, key, value
        else:
            yield from _leaves(value, key, key)


def _unsplit(videos: list[_Video]) -> set[str]:
    """The labels whose training and test videos are the same ones: no split at all."""
    return {
        label
        for label in {video.label for video in videos}
        if all({"train", "test"} <= video.splits for video in videos if video.label == label)
    }


def _split(splits: set[str]) -> str | None:
    """What is tested on is not trained on; `val` beside `train` is a copy."""
    return next((split for split in ("test", "train", "val") if split in splits), None)


def _label(root: Path, name: str) -> int:
    if _REAL.fullmatch(name):
        return 0
    if _FAKE.fullmatch(name):
        return 1
    raise ImportFailed(f"{root}: the label {name!r} says neither real nor fake; rename it in the file (NAME_Real, NAME_Fake)")


@dataclass
class _Frames:
    """Where frames are that were listed on another machine: how many leading folders of their paths to drop is found once."""

    root: Path
    dropped: int | None = None

    def find(self, listed: str) -> Path | None:
        parts = [part for part in PurePosixPath(listed.replace("\\", "/")).parts if part not in ("/", ".", "..")]
        # The last two (video and frame) must be there: fewer would fit anything.
        for dropped in range(max(1, len(parts) - 1)) if self.dropped is None else (self.dropped,):
            path = self.root.joinpath(*parts[dropped:])
            if path.is_file():
                self.dropped = dropped
                return path
        return None
