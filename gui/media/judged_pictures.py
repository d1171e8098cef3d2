"""The pictures of the window: decoded in limited processes, and only where the file is still what was judged."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from scanner.database.engine import Database
from scanner.review.image_details import judged_content

if TYPE_CHECKING:
    from scanner.media.forensic.tags import Tag
    from scanner.media.looking.looker import Looker
    from scanner.media.looking.views import Seen


def _looker() -> "Looker":
    from scanner.media.looking.looker import looker  # a window without a picture in sight needs not wait for it

    return looker()


class JudgedPictures:
    """Asked from background threads: what was judged at a path is looked up in the database. All raise NotShown."""

    def __init__(self, judged: Callable[[str], str | None], look: "Callable[[], Looker]" = _looker) -> None:
        """`judged` gives the SHA-256 of what was judged at a path, if that is anything."""
        self._judged = judged
        self._look = look

    def judged(self, path: str) -> str | None:
        """The SHA-256 of what was judged there."""
        return self._judged(path)

    def small(self, path: str, pixels: int, sha256: str | None) -> "Seen":
        """A thumbnail of what was judged, which is `sha256`."""
        return self._look().small(path, pixels, sha256)

    def whole(self, path: str) -> "Seen":
        """The picture as large as it is shown."""
        return self._look().whole(path, self._judged(path))

    def frame(self, path: str, number: int, seconds: float | None) -> "Seen":
        """A frame of a video or an animation."""
        return self._look().frame(path, number, seconds, self._judged(path))

    def examined(self, path: str, view: str, number: int, seconds: float | None, size: tuple[int, int]) -> "Seen":
        """A forensic view."""
        return self._look().examined(path, view, number, seconds, size, self._judged(path))

    def tags(self, path: str) -> "tuple[Tag, ...]":
        """What the file says of itself in its EXIF and other texts."""
        return self._look().tags(path, self._judged(path))


def judged_in(database: Database) -> JudgedPictures:
    """Of the files that have a verdict in the database."""
    return JudgedPictures(partial(judged_content, database))
