"""What was recorded of a file, for whoever wants to be told: a command, a webhook, another front end."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .claims import Claimed
from .states import Label, State


@dataclass(frozen=True)
class Recorded:
    """What a file's row says since its worker recorded it; `reason` is why it failed, or why it is still pending.

    A content's `sha256` is in hex; it, `label` and `score` (0..1) are None of what has none.
    """

    file: Claimed
    state: State
    model: str
    sha256: str | None = None
    label: Label | None = None
    score: float | None = None
    reason: str | None = None

    @property
    def is_flagged(self) -> bool:
        """Whether a person should look at it."""
        return self.label in (Label.FAKE, Label.UNCERTAIN)


# Is told, once they are in the database, what was recorded of the files of a batch.
Listener = Callable[[Sequence[Recorded]], None]


def tell_nobody(_: Sequence[Recorded]) -> None:
    """A listener where nobody listens."""
