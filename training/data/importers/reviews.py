"""The decisions of people who reviewed what dfscan found, from the file that `dfscan report --format json` writes."""

import hashlib
import json
from collections import Counter
from collections.abc import Container
from pathlib import Path

from .found import Found, ImportFailed, Picture

_LABELS = {"real": 0, "fake": 1}


def find(root: Path, *, images_root: Path | None = None, group_by_folder: bool = False) -> Found:
    """One picture per content that was reviewed as fake or real; `root` is the report.

    Files that are gone, or whose content (sha256) is no longer the reviewed one, are left out, and so is `unsure`. The group is
    the content. Raises ImportFailed for another kind of file, and when nothing in it was decided.
    """
    try:
        items = [(item["path"], item["sha256"], item["review"]) for item in json.loads(root.read_bytes())["items"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ImportFailed(
            f"{root}: is no report of dfscan ({error!r}); write one: dfscan report --format json -o FILE"
        ) from None
    if not any(review in _LABELS for *_, review in items):
        raise ImportFailed(f"{root}: nothing in it was reviewed as fake or real. Review some images first, then write it anew")
    taken: dict[str, Picture] = {}
    left_out: Counter[str] = Counter()
    for path, sha256, review in items:
        if review is None:
            continue
        if reason := _reason(path, sha256, review, taken):
            left_out[reason] += 1
        else:
            taken[sha256] = Picture(Path(path), _LABELS[review], group=sha256, family="reviewed")
    return Found(tuple(taken.values()), left_out)


def _reason(path: str, sha256: str, review: str, taken: Container[str]) -> str | None:
    """Why this one is left out, or None."""
    if review not in _LABELS:
        return "reviewed as unsure"
    if sha256 in taken:
        return "copies of others"
    try:
        with open(path, "rb") as opened:
            there = hashlib.file_digest(opened, "sha256").hexdigest()
    except (OSError, ValueError):  # ValueError: a name that no file can have
        return "gone or unreadable"
    return None if there == sha256 else "changed since they were reviewed"
