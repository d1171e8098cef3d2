"""What an error of a database, a broker or the machine means, whoever meets it: the watch, a worker, a command or the window."""

import errno
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What helps against an error."""

    TRANSIENT = "transient"  # it passes: wait, and try again
    PERMANENT = "permanent"  # someone has to mend it; until then, waiting and trying again does no harm
    BUG = "bug"  # of this program: to be reported, and never waited out


@dataclass(frozen=True)
class Trouble:
    """An error, classified; `advice` says what mends it, and is empty where nothing more is known than the error says."""

    kind: Kind
    advice: str = ""


# No memory, process, open file or space is left: any call may meet that, and it passes.
_SHORTAGES = frozenset(
    getattr(errno, name, None) for name in ("ENOMEM", "EAGAIN", "EMFILE", "ENFILE", "ENOSPC", "EDQUOT", "ENOBUFS")
)
BUG = Trouble(Kind.BUG)
TRANSIENT = Trouble(Kind.TRANSIENT)


def shortage(error: OSError) -> str | None:
    """What the machine has none left of for now, in words; None for any other error."""
    return f"{error.strerror}; it goes on when there is more" if error.errno in _SHORTAGES else None
