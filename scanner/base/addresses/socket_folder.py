"""Where processes put the sockets by which they find each other: a path of one has room for about a hundred bytes."""

import os
import sys
import tempfile
from collections.abc import Sequence

# macOS takes 103 bytes, Linux 107; multiprocessing adds `/pymp-xxxxxxxx/listener-xxxxxxxx`.
_LONGEST = 103 - 40
_SHORT = ("/tmp", "/var/tmp")  # noqa: S108  (the folder in it is made for this process alone)


def keep_sockets_short(folders: Sequence[str] = _SHORT) -> None:
    """Have Python's multiprocessing put its sockets into one of `folders` where TMPDIR is too long for them.

    Other temporary files stay where TMPDIR says.
    """
    if sys.platform == "win32" or not any(
        len(os.fsencode(os.environ.get(name, ""))) > _LONGEST for name in ("TMPDIR", "TMP", "TEMP")
    ):
        return
    kept = tempfile.gettempdir()
    if len(os.fsencode(kept)) <= _LONGEST:
        return
    from multiprocessing.util import get_temp_dir  # which remembers what it answered, for child processes, too

    for folder in folders:
        tempfile.tempdir = folder
        try:
            get_temp_dir()
        except OSError:
            continue
        finally:
            tempfile.tempdir = kept
        return
