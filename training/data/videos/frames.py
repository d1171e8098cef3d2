"""Frames of videos: which compression is taken, and how many frames of each video."""

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

from ..importers.found import Found, ImportFailed, Picture

# FaceForensics++'s: as it was, and H.264 at two qualities.
COMPRESSIONS = ("raw", "c23", "c40")


def with_groups_as_videos(found: Found) -> Found:
    """The same where each group is one video."""
    return replace(found, pictures=tuple(replace(picture, video=picture.group) for picture in found.pictures))


def with_compression(found: Found, wanted: str) -> Found:
    """The pictures of videos that are compressed as `wanted`. Raises ImportFailed when there are none."""
    there = sorted({picture.compression for picture in found.pictures} - {""})
    if wanted not in there:
        has = f"it has {', '.join(there)}" if there else "its folders or lists name none"
        raise ImportFailed(f"the set has no videos of compression {wanted!r}: {has}. Leave --compression out, or name another")
    kept = tuple(picture for picture in found.pictures if picture.compression == wanted)
    left_out = Counter(found.left_out) + Counter({"of another compression": len(found.pictures) - len(kept)})
    return Found(kept, left_out)


def with_frames(found: Found, count: int) -> Found:
    """At most `count` frames of each video, evenly spread by their numbers, the first one among them.

    As DeepfakeBench spreads them: every n-th, n = frames // `count`. Raises ImportFailed for a set that names no videos.
    """
    videos: dict[str, list[Picture]] = {}
    for picture in found.pictures:
        if picture.video:
            videos.setdefault(picture.video, []).append(picture)
    if not videos:
        raise ImportFailed(
            "the set names no videos of which frames could be counted; --group-by video says that folders are some"
        )
    kept = set[Path]()
    for frames in videos.values():
        step = max(1, len(frames) // count)
        kept.update(frame.path for frame in sorted(frames, key=_number)[::step][:count])
    pictures = tuple(picture for picture in found.pictures if not picture.video or picture.path in kept)
    left_out = Counter(found.left_out) + Counter({f"beyond {count} frames of a video": len(found.pictures) - len(pictures)})
    return Found(pictures, left_out)


def _number(frame: Picture) -> tuple[int, str]:
    """A frame's number, the last in its name, else 0; names decide among equals."""
    numbers = re.findall(r"\d+", frame.path.stem)
    return (int(numbers[-1]) if numbers else 0, frame.path.name)
