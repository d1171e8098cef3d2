"""What a run shows while it goes on: a bar on a terminal, a line now and then elsewhere, and TensorBoard's log."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from scanner.base.logs import print_text

from ..data.manifest import Row
from ..evaluation.logits import labels_of
from ..evaluation.metrics import auc
from ..evaluation.weighted_metrics import Scores
from .progress import Progress

LINE_EVERY = 100


@contextmanager
def shown_progress(*, interactive: bool) -> Iterator[Callable[[Progress], None]]:
    """Shows each Progress on standard error."""
    if not interactive:
        yield _Lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Bar

    with Bar(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=Console(stderr=True)) as bar:
        task = bar.add_task("starting", total=None)
        yield lambda now: bar.update(task, description=_text(now), total=now.steps, completed=now.step)


@contextmanager
def tensorboard_log(folder: Path) -> Iterator[Callable[[str, float, int], None]]:
    """Writes (name, value, step) to `folder`."""
    from torch.utils.tensorboard.writer import SummaryWriter

    writer = SummaryWriter(str(folder))
    try:
        yield writer.add_scalar
    finally:
        writer.close()


def tenths(say: Callable[[int, int], None]) -> Callable[[int, int], None]:
    """Passes on (done, all) whenever another tenth is done."""
    said = 0

    def report(done: int, of: int) -> None:
        nonlocal said
        if 10 * done // of > said:
            said = 10 * done // of
            say(done, of)

    return report


def duration(seconds: float) -> str:
    """As people say it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def per_source(rows: Sequence[Row], logits: Scores, pooled: float) -> str:
    """The AUC of all and of each source that holds both labels, in words."""
    labels = labels_of(rows)
    parts = [f"{pooled:.4f} pooled"]
    for source in sorted({row.source for row in rows}):
        of_source = [index for index, row in enumerate(rows) if row.source == source]
        if len(set(labels[of_source])) == 2:
            parts.append(f"{float(auc(labels[of_source], logits[of_source])):.4f} {source}")
    return ", ".join(parts)


class _Lines:
    """Tells the first step that it is shown, which says that the run has begun, and then one now and then."""

    def __init__(self) -> None:
        self._began = False

    def __call__(self, now: Progress) -> None:
        if not self._began or now.step % LINE_EVERY == 0 or now.step == now.steps:
            print_text(f"step {now.step:,}/{now.steps:,}, {_text(now)}", err=True)
        self._began = True


def _text(now: Progress) -> str:
    where = f"{now.stage}, epoch" if now.stage else "epoch"
    return (
        f"{where} {now.epoch + 1}, loss {now.loss:.4f}, {now.images_per_second:.1f} images/s, {duration(now.seconds_left)} left"
    )
