"""What reading the texts of one file may cost, all its fields together; and what of them was not read for it."""

from typing import TypeVar

# Bytes (or characters) of one field, and of all; and how many fields and entries of tables are looked at.
FIELD, ALL, STEPS = 1 << 20, 8 << 20, 50_000
_BROKEN = "could not be read"
_IN_PART = "could be read in part only, as there is too much of it"

Text = TypeVar("Text", str, bytes)


class Budget:
    """What is left, as bytes and as steps. `unread` says of parts of the file, as people call them, how they were read."""

    def __init__(self, size: int = ALL, steps: int = STEPS) -> None:
        self._size = size
        self._steps = steps
        self.unread: dict[str, str] = {}

    @property
    def field(self) -> int:
        """How long the next field may be."""
        return min(FIELD, self._size)

    def taken(self, text: Text, part: str) -> Text:
        """As much of `text` as may be read, which is taken off."""
        kept = text[: self.field]
        self._size -= len(kept)
        if len(kept) < len(text):
            self.cut_short(part)
        return kept

    def step(self, part: str) -> bool:
        """Take a step, if one is left."""
        if self._steps <= 0:
            self.cut_short(part)
            return False
        self._steps -= 1
        return True

    def cut_short(self, part: str) -> None:
        """There is more of `part` than is read."""
        self.unread.setdefault(part, _IN_PART)

    def broken(self, part: str) -> None:
        """`part` is there and cannot be read."""
        self.unread[part] = _BROKEN
