"""Keys in their order: while an undo is on its way, the next key waits until what was undone is in sight again."""

from collections import deque
from collections.abc import Callable


class Turns:
    """`take` does a thing at once, or when it is its turn."""

    def __init__(self) -> None:
        self._waiting: deque[Callable[[], object]] = deque()
        self.is_held = False

    def take(self, work: Callable[[], object]) -> None:
        """Do `work`, after all that was asked for before it."""
        if self.is_held:
            self._waiting.append(work)
        else:
            work()

    def hold(self) -> None:
        """Let all that is asked for from now on wait."""
        self.is_held = True

    def release(self) -> None:
        """Go on with what waits, until something holds again."""
        self.is_held = False
        while self._waiting and not self.is_held:
            self._waiting.popleft()()

    def drop(self) -> None:
        """Forget what waits: it meant an image that did not come back."""
        self._waiting.clear()
        self.is_held = False
