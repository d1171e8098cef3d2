"""CNNDetection (Wang et al. 2020), called ForenSynths, too: SPLIT/GENERATOR/[CLASS/]{0_real,1_fake}.

Training and validation set are ProGAN's alone, without a folder that says so: train/airplane/0_real. One of those classes is
itself called `train`.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from .found import Found, ImportFailed, Picture
from .tree import pictures_under, split_of

# LSUN's, on which the ProGAN of the training set was trained.
_CLASS = re.compile(
    "airplane|bicycle|bird|boat|bottle|bus|car|cat|chair|cow|diningtable|dog|horse|motorbike|person|pottedplant|sheep|sofa|train|"
    "tvmonitor"
)
_LABELS = {"0_real": 0, "1_fake": 1}
_FAMILIES = {
    "deepfake": "faceswap_video",
    "crn": "perceptual_loss",
    "imle": "perceptual_loss",
    "san": "low_level",
    "seeingdark": "low_level",
}


@dataclass(frozen=True)
class _Root:
    """The part of the set that a folder is: its folders that are splits, or else the split and the generator it stands for."""

    path: Path
    splits: frozenset[str]
    split: str | None = None
    generator: str = ""


def find(root: Path, *, images_root: Path | None = None, group_by_folder: bool = False) -> Found:
    """All splits (the folder `dataset`), one of them, or one generator of it. Raises ImportFailed for another layout."""
    part = _part(root)
    return Found(tuple(_picture(part, path) for path in pictures_under(root)))


def _part(root: Path) -> _Root:
    name, parent = root.absolute().name, root.absolute().parent.name
    splits = frozenset(folder.name for folder in root.iterdir() if split_of(folder.name)) if root.is_dir() else frozenset()
    if split_of(name) and len(splits) < 2:
        return _Root(root, frozenset(), split_of(name))  # a folder `train` in it is that class
    if split_of(parent) and not splits:
        return _Root(root, frozenset(), split_of(parent), name)
    return _Root(root, splits)


def _picture(root: _Root, path: Path) -> Picture:
    folders = path.parts[:-1]
    split, within = root.split, folders
    if folders and folders[0] in root.splits:
        split, within = split_of(folders[0]), folders[1:]
    labels = [label for folder in within if (label := _LABELS.get(folder)) is not None]
    if len(labels) != 1:
        raise ImportFailed(
            f"{root.path / path.parent}: CNNDetection's pictures lie in SPLIT/GENERATOR/0_real and SPLIT/GENERATOR/1_fake; "
            "the layout of plain folders `real` and `fake` is `folders`"
        )
    first = within[0] if within[0] not in _LABELS else root.path.absolute().name
    generator = (root.generator or first).lower()
    generator = "progan" if _CLASS.fullmatch(generator) else generator
    return Picture(
        root.path / path,
        labels[0],
        group=path.as_posix(),
        split=split,
        generator=generator if labels[0] else "",
        family=_FAMILIES.get(generator, "gan_full"),
    )
