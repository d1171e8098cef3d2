"""Keys in their order: while an undo is on its way, the next key waits until what was undone is in sight again."""

from collections import deque
from collections.abc import Callable


class Turns:
    """`take` does a thing at once, or when it is its turn."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[Callable[[], object], bool]] = deque()
        self.is_held = False

    def take(self, work: Callable[[], object], *, on_image: bool = True) -> None:
        """Do `work`, after all that was asked for before it. `on_image`: it means the image that comes back into sight."""
        if self.is_held:
            self._waiting.append((work, on_image))
        else:
            work()

    def hold(self) -> None:
        """Let all that is asked for from now on wait."""
        self.is_held = True

    def release(self, *, in_sight: bool = True) -> None:
        """Go on with what waits, until something holds again; without what means an image that is not `in_sight`."""
        self.is_held = False
        while self._waiting and not self.is_held:
            work, on_image = self._waiting.popleft()
            if in_sight or not on_image:
                work()

    def drop(self) -> None:
        """Forget what waits: it meant an image that did not come back."""
        self._waiting.clear()
        self.is_held = False
