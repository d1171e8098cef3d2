"""Small data sets in DeepfakeBench's layout: its lists in dataset_json, the frames that they name in rgb."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

# What FaceForensics++ has, by split: original videos, and those with the face of another.
ORIGINALS = {"train": ("000", "001", "002", "003"), "val": ("004", "005"), "test": ("006", "007", "008", "009")}
SWAPPED = {"train": ("000_001", "002_003"), "val": ("004_005",), "test": ("006_007", "008_009")}
FRAMES = 3
_FF = "FaceForensics++"


def tree(root: Path) -> None:
    """FaceForensics++ of two methods, in c23 and c40; and, to test on, Celeb-DF-v2, FaceShifter and UADFV."""
    real = {
        split: {cp: _videos(root, f"{_FF}/original_sequences/youtube/{cp}/frames", names, fake=False) for cp in ("c23", "c40")}
        for split, names in ORIGINALS.items()
    }
    methods = {
        label: {
            split: {
                cp: _videos(root, f"{_FF}/manipulated_sequences/{method}/{cp}/frames", names, fake=True) for cp in ("c23", "c40")
            }
            for split, names in SWAPPED.items()
        }
        for label, method in (("FF-DF", "Deepfakes"), ("FF-F2F", "Face2Face"), ("FF-SH", "FaceShifter"))
    }
    shifted = methods.pop("FF-SH")
    _list(root, _FF, {"FF-real": real, **methods})
    _list(root, "FaceShifter", {"FF-real": real, "FF-SH": shifted})  # the same originals
    celeb = {
        "CelebDFv2_real": _videos(root, "Celeb-DF-v2/Celeb-real/frames", ("id0_0000", "id1_0000"), fake=False),
        "CelebDFv2_fake": _videos(root, "Celeb-DF-v2/Celeb-synthesis/frames", ("id0_id1_0000", "id1_id0_0001"), fake=True),
    }
    more = _videos(root, "Celeb-DF-v2/Celeb-real/frames", ("id2_0000",), fake=False)
    _list(
        root,
        "Celeb-DF-v2",
        {
            label: {"train": {**videos, **(more if label.endswith("real") else {})}, "test": videos}
            for label, videos in celeb.items()
        },
    )
    uadfv = {
        "UADFV_Real": _videos(root, "UADFV/real/frames", ("0000", "0001"), fake=False),
        "UADFV_Fake": _videos(root, "UADFV/fake/frames", ("0000_fake", "0001_fake"), fake=True),
    }
    _list(root, "UADFV", {label: dict.fromkeys(("train", "val", "test"), videos) for label, videos in uadfv.items()})


def _list(root: Path, name: str, labels: Mapping[str, object]) -> None:
    (root / "dataset_json").mkdir(exist_ok=True)
    (root / "dataset_json" / f"{name}.json").write_text(json.dumps({name: labels}), encoding="utf-8")


def _videos(root: Path, folder: str, names: Sequence[str], *, fake: bool) -> dict[str, dict[str, object]]:
    """Frames of a coarse pattern, or, of fakes, of a fine one."""
    label, cells, found = folder.split("/")[-2] + folder.split("/")[-3], 24 if fake else 5, {}
    for name in names:
        rng = np.random.default_rng([*folder.encode(), *name.encode()])
        (root / "rgb" / folder / name).mkdir(parents=True, exist_ok=True)
        listed = []
        for number in range(FRAMES):
            path = f"{folder}/{name}/{number:03}.png"
            picture = Image.fromarray(rng.integers(0, 256, (cells, cells, 3), np.uint8))
            picture.resize((48, 48), Image.Resampling.BICUBIC).save(root / "rgb" / path)
            listed.append(path.replace("/", "\\"))
        found[name] = {"label": label, "frames": listed}
    return found
