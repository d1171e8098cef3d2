"""Who is told what a worker has recorded: the setting `on_flagged`, and what other packages bring.

A package brings one by an entry point of the group `dfscan.listeners`: a function that takes the settings and gives a context
manager around a `Listener`. It is told after the commit, at most once, by the worker's own thread; so it should return soon.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from importlib.metadata import entry_points

from scanner.base.errors import KnownError
from scanner.base.settings import Settings
from scanner.base.trouble_log import TroubleLog
from scanner.domain.recorded import Listener, Recorded, tell_nobody

from .on_flagged import on_flagged

GROUP = "dfscan.listeners"
Open = Callable[[Settings], AbstractContextManager[Listener]]

log = logging.getLogger(__name__)


@contextmanager
def all_listeners(settings: Settings) -> Iterator[Listener]:
    """One listener that tells all. What goes wrong in one of them is logged, and is no file's fault. Raises KnownError."""
    with ExitStack() as stack:
        listeners = [stack.enter_context(_guarded("on_flagged", lambda: on_flagged, settings))]
        listeners += [stack.enter_context(_guarded(point.name, point.load, settings)) for point in entry_points(group=GROUP)]

        def tell(recorded: Sequence[Recorded]) -> None:
            for listener in listeners:
                listener(recorded)

        yield tell


@contextmanager
def _guarded(name: str, load: Callable[[], Open], settings: Settings) -> Iterator[Listener]:
    trouble = TroubleLog(log, f"the listener {name}")
    try:
        opened = load()(settings)
        listener = opened.__enter__()
    except KnownError:
        raise
    except Exception as error:
        trouble.fails(_text(error))
        yield tell_nobody
        return

    def tell(recorded: Sequence[Recorded]) -> None:
        try:
            listener(recorded)
        except Exception as error:
            trouble.fails(_text(error))
        else:
            trouble.works()

    try:
        yield tell
    finally:
        try:
            opened.__exit__(None, None, None)
        except Exception as error:
            trouble.fails(_text(error))


def _text(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
