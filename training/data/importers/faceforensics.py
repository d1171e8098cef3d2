"""FaceForensics++ (Rössler et al. 2019), as it is downloaded and as its own script cuts it into frames:

{original,manipulated}_sequences/METHOD/COMPRESSION/{images,frames,faces}/VIDEO/*.png
"""

import json
from collections import Counter
from pathlib import Path

from .found import Found, ImportFailed, Picture
from .people import groups_of, people_of_faceforensics
from .tree import pictures_under

_LABELS = {"original_sequences": 0, "manipulated_sequences": 1}
_KINDS = {"images", "frames", "faces"}
_REENACTED = {"Face2Face", "NeuralTextures"}
_OTHER = "in other folders (masks, ...)"


def find(root: Path, *, images_root: Path | None = None, group_by_folder: bool = False) -> Found:
    """The group of a video is all who are linked to its people by a manipulated video: `033_097` links both.

    The official splits are read from train.json, val.json and test.json beside the sequences (or in `splits`). Raises
    ImportFailed when there are no frames, and for a list of splits that is none.
    """
    left_out: Counter[str] = Counter()
    found: list[tuple[Path, int, str, str, str]] = []  # path, label, method, compression, video
    for path in pictures_under(root):
        parts = path.parts[:-1]
        at = next((i for i, part in enumerate(parts) if part in _LABELS), len(parts))
        if len(parts) - at < 5 or parts[at + 3] not in _KINDS:
            left_out[_OTHER] += 1
            continue
        found.append((root / path, _LABELS[parts[at]], parts[at + 1], parts[at + 2], parts[at + 4]))
    if not found:
        raise ImportFailed(
            f"{root}: no frames in original_sequences/METHOD/COMPRESSION/frames/VIDEO and manipulated_sequences/... "
            "(images and faces are as good as frames). Cut the videos into frames first, one folder per video"
        )
    groups = groups_of({video: people_of_faceforensics(video) for *_, video in found}.values())
    splits = official_splits(root)
    return Found(
        tuple(
            Picture(
                path,
                label,
                group=groups[people_of_faceforensics(video)[0]],
                split=splits.get(people_of_faceforensics(video)[0]),
                generator=method,
                family="reenactment_video" if method in _REENACTED else "faceswap_video",
                video=f"{method}/{compression}/{video}",
                compression=compression,
            )
            for path, label, method, compression, video in found
        ),
        left_out,
    )


def official_splits(root: Path) -> dict[str, str]:
    """By video number the split, from the official lists of pairs; empty where there are none. Raises ImportFailed."""
    splits: dict[str, str] = {}
    for split in ("train", "val", "test"):
        listed = (root / folder / f"{split}.json" for folder in ("", "splits", "dataset/splits"))
        file = next((file for file in listed if file.is_file()), None)
        if file is None:
            continue
        try:
            splits |= {str(video): split for one, other in json.loads(file.read_bytes()) for video in (one, other)}
        except (OSError, ValueError, TypeError) as error:
            raise ImportFailed(f"{file}: no list of pairs of video numbers: {error}") from None
    return splits
