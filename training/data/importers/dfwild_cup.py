"""DFWild-Cup (IEEE SP Cup 2025): {train,valid}/{real,fake}, or as its archives unpack: train_fake/fake_3_1/fake_3_1/.

File names are anonymous: nothing says which pictures are of the same video, so that each is its own group.
"""

import re
from collections import Counter
from pathlib import Path

from .found import Found, ImportFailed, Picture
from .tree import label_of, pictures_under, split_of

_FOLDER = re.compile(r"(?P<split>train|valid|val|test)(?:_(?P<label>real|fake))?|(?P<part>real|fake)(?:_\d+)*", re.IGNORECASE)
_UNLABELLED = "in the test set, which has no labels"


def find(root: Path, *, images_root: Path | None = None, group_by_folder: bool = False) -> Found:
    """The labelled pictures. Raises ImportFailed, naming the folder, where a name says nothing or two names disagree."""
    pictures, left_out = [], Counter[str]()
    for path in pictures_under(root):
        labels, splits = _said(root, path)
        if not splits and (split := split_of(root.absolute().name)):
            splits = {split}
        if splits == {"test"} and not labels:
            left_out[_UNLABELLED] += 1
            continue
        if len(labels) != 1 or len(splits) > 1:
            raise ImportFailed(
                f"{root / path.parent}: the folders' names do not say one label and one split. DFWild-Cup has train and valid, "
                "each with real and fake"
            )
        pictures.append(Picture(root / path, labels.pop(), group=path.as_posix(), split=next(iter(splits), None)))
    return Found(tuple(pictures), left_out)


def _said(root: Path, path: Path) -> tuple[set[int], set[str]]:
    """The labels and the splits that the folders on the way name. Below a label other names may follow, above it none."""
    labels: set[int] = set()
    splits: set[str] = set()
    for folder in path.parts[:-1]:
        found = _FOLDER.fullmatch(folder)
        if found is None and not labels:
            raise ImportFailed(
                f"{root / path.parent}: DFWild-Cup has no folder {folder!r}; it has train and valid, each with real and fake"
            )
        for part in found.groups("") if found else ():
            labels |= {label for label in (label_of(part),) if label is not None}
            splits |= {split for split in (split_of(part),) if split is not None}
    return labels, splits
