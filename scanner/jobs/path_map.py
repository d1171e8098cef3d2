"""Paths on a worker's machine, where the folders may be mounted at another place than on the scanner's."""

import os
from collections.abc import Sequence

from ..base.settings import SettingsError


def parse_path_map(pairs: Sequence[str]) -> dict[str, str]:
    """The setting `path_map`, HERE=THERE pairs, as a mapping. Raises SettingsError."""
    mapping = {}
    for pair in pairs:
        here, equals, there = pair.partition("=")
        if not (here and equals and there):
            raise SettingsError(f"path_map has {pair!r}, which is not HERE=THERE (such as /srv/a=/mnt/a); correct it")
        mapping[here.rstrip("/\\") or here] = there.rstrip("/\\") or there
    return mapping


def local_path(path: str, mapping: dict[str, str]) -> str:
    """Where the file or folder that the scanner calls `path` is on this machine; the longest matching HERE counts."""
    for here in sorted(mapping, key=len, reverse=True):
        if path == here:
            return mapping[here]
        for separator in ("/", "\\"):
            if path.startswith(here.rstrip(separator) + separator):
                rest = path[len(here.rstrip(separator)) + 1 :]
                return os.path.join(mapping[here], rest.replace(separator, os.sep))
    return path
