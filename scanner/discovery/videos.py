"""Videos that lie in folders whose videos are not scanned: how many, by their names alone."""

import os
from collections.abc import Callable, Collection, Sequence

from ..media.formats import has_video_suffix
from .ignore import IgnoreRules


def count_videos(roots: Collection[str], ignore: Sequence[str], go_on: Callable[[], bool] = lambda: True) -> int:
    """How many files below `roots` (absolute) have a video's name; no file is opened. Ends early when `go_on` says so.

    A root that lies in another one is counted once; folders that cannot be read hold none.
    """
    rules = IgnoreRules(ignore)
    count = 0
    for root in sorted(roots):
        above = len(os.path.join(root, ""))
        folders = [os.path.join(root, "")]
        while folders and go_on():
            inside = folders.pop()
            try:
                with os.scandir(inside) as entries:
                    names = [entry.name + os.sep if entry.is_dir(follow_symlinks=False) else entry.name for entry in entries]
            except OSError:
                continue
            for name in rules.keep(names, inside[above:]):
                if name[-1] != os.sep:
                    count += has_video_suffix(inside + name)
                elif (inside + name).rstrip(os.sep) not in roots:
                    folders.append(inside + name)
    return count
