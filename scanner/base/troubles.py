"""What an error of a database or a broker means, whoever meets it: the watch, a worker, a command or the window."""

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


BUG = Trouble(Kind.BUG)
TRANSIENT = Trouble(Kind.TRANSIENT)
