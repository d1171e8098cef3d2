"""Looks at files for people: in limited processes, and only at what was judged."""

import atexit
import hashlib
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures.process import BrokenProcessPool
from functools import cache, partial
from io import BufferedReader
from typing import Any

from ...base.files import NotRegular, open_regular
from ...processes.confinement import Confined
from ...processes.pool import ProcessPool
from ...processes.replies import Answer, BadReply, Made, Refused
from ...processes.time_budget import OutOfTime
from ...processes.work import Died, Work
from ..forensic.tags import Tag, read_tags
from ..formats import has_video_suffix
from ..frames import is_video
from . import views
from .not_shown import ChangedSince, NotShown
from .views import Seen, look, read_seen, read_told_tags, tell_seen, tell_tags

# What looking at one file may cost; more is for the worker, which has settings for it.
SECONDS, MEGABYTES, FILE_BYTES = 20.0, 3072, 512_000_000
PROCESSES = 3
CHANGED = "it has changed since it was judged"
_PIECE = 1 << 20
_Told = tuple[Callable[[Any], Made], Callable[[Answer], Any]]


class Looker:
    """May be asked from several threads. `sha256` is that of the content that was judged; None: of anything that lies there.

    All methods raise NotShown, and ChangedSince where the content is another one by now.
    """

    def __init__(self, processes: int = PROCESSES, *, seconds: float = SECONDS, megabytes: int = MEGABYTES) -> None:
        self._seconds = seconds
        prepare = partial(_limit, megabytes)
        modules = [look.__module__, "PIL.ImageCms", os.getpid.__module__]
        self._pool = ProcessPool(processes, prepare, modules=modules, most_works=1000, most_bytes=megabytes << 20)
        self._videos: dict[str, tuple[str, tuple[int, ...]]] = {}  # by path: what it was when its content was hashed
        self._lock = threading.Lock()

    def close(self) -> None:
        """End the processes."""
        self._pool.close()

    @property
    def confined(self) -> Confined | None:
        """What confines the processes; None before one was asked."""
        return self._pool.confined

    def small(self, path: str, pixels: int, sha256: str | None = None) -> Seen:
        """A thumbnail, neither side above `pixels`."""
        return self._seen(views.small, path, [pixels], sha256)

    def whole(self, path: str, sha256: str | None = None) -> Seen:
        """The picture as large as it is shown."""
        return self._seen(views.whole, path, [], sha256)

    def frame(self, path: str, number: int, seconds: float | None, sha256: str | None = None) -> Seen:
        """A frame of a video or an animation."""
        return self._seen(views.frame, path, [number, seconds], sha256)

    def examined(
        self, path: str, view: str, number: int, seconds: float | None, size: tuple[int, int], sha256: str | None = None
    ) -> Seen:
        """A forensic view, reduced to `size`."""
        return self._seen(views.examined, path, [view, number, seconds, size], sha256)

    def tags(self, path: str, sha256: str | None = None) -> tuple[Tag, ...]:
        """What the file says of itself in its EXIF and other texts."""
        tags: tuple[Tag, ...] = self._look(read_tags, path, [], sha256, (tell_tags, read_told_tags))
        return tags

    def _seen(self, view: Callable[..., Seen], path: str, arguments: Sequence[Any], sha256: str | None) -> Seen:
        seen: Seen = self._look(view, path, arguments, sha256, (tell_seen, read_seen))
        return seen

    def _look(self, view: Callable[..., Any], path: str, arguments: Sequence[Any], sha256: str | None, told: _Told) -> Any:
        try:
            with self._opened(path, sha256) as file:
                work = Work(look, [view, path, arguments], self._seconds, *told, lambda: file)
                return self._pool.schedule(work).result()
        except NotRegular:
            raise NotShown("it is no file") from None
        except Refused as error:
            raise NotShown(str(error)) from None
        except OSError as error:
            raise NotShown(error.strerror or "it cannot be read") from None
        except OutOfTime as error:
            raise NotShown(f"its decoding {error}") from None
        except MemoryError:
            raise NotShown("its decoding needs too much memory") from None
        except Died:
            raise NotShown("its decoder died of it") from None
        except BadReply:
            raise NotShown("its decoder answered what no decoder does") from None
        except (BrokenProcessPool, RuntimeError):
            raise NotShown("no decoder can be started") from None

    def _opened(self, path: str, sha256: str | None) -> BufferedReader:
        """What a process is to read: of a picture a copy in memory, which nobody changes once its hash is known."""
        if has_video_suffix(path) and is_video(path):
            return self._opened_video(path, sha256)
        with open_regular(path) as file:
            if os.fstat(file.fileno()).st_size > FILE_BYTES:
                raise NotShown(f"it has more than {FILE_BYTES / 1e6:,.0f} MB")
            content = file.read(FILE_BYTES)
        if sha256 and hashlib.sha256(content).hexdigest() != sha256:
            raise ChangedSince(CHANGED)
        return _in_memory(content)

    def _opened_video(self, path: str, sha256: str | None) -> BufferedReader:
        file = open_regular(path)
        try:
            status = os.fstat(file.fileno())
            known = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
            if sha256 and self._videos.get(path) != (sha256, known):
                digest = hashlib.sha256()
                while piece := file.read(_PIECE):
                    digest.update(piece)
                if digest.hexdigest() != sha256:
                    raise ChangedSince(CHANGED)
                with self._lock:
                    self._videos[path] = sha256, known
            return file
        except BaseException:
            file.close()
            raise


@cache
def looker() -> Looker:
    """The one of this program, started when it is first asked for; it ends with the program."""
    made = Looker()
    atexit.register(made.close)
    return made


def _in_memory(content: bytes) -> BufferedReader:
    if hasattr(os, "memfd_create"):
        file = os.fdopen(os.memfd_create("picture"), "w+b", buffering=0)
        file.write(content)
        return BufferedReader(file)
    import tempfile

    kept = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  (whoever reads it closes it)
    kept.write(content)
    return BufferedReader(kept)


def _limit(megabytes: int) -> None:
    """In the process: what is allowed before it is confined."""
    from PIL import AvifImagePlugin, Image, ImageFile

    from ...processes.limits import limit_process
    from ..formats import openable_formats

    Image.MAX_IMAGE_PIXELS = None  # views have limits of their own
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    openable_formats()
    limit_process(megabytes)
