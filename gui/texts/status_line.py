"""How things stand, in one line, for the status bar and the tray."""

from collections.abc import Sequence

from scanner.base.escape import printable
from scanner.ops.status import Status
from scanner.quarantine.journal import Removed

from ..tasks.progress import Progress


def standing_line(standing: Status, progress: Progress, *, running: bool, paused: bool) -> str:
    """Whether it watches, what waits, how quickly, on which devices."""
    parts = ["paused" if paused else "watching" if running else "not watching"]
    if progress.pending:
        parts.append(f"{progress.pending:,} waiting")
    if progress.rate:
        parts.append(f"{progress.rate:.1f}/s")
    if standing.workers:
        parts.append(", ".join(sorted({worker.device for worker in standing.workers})))
    elif running and progress.pending:
        parts.append("loading the model")
    return "  \N{MIDDLE DOT}  ".join(parts)


def waiting_words(standing: Status, progress: Progress, *, running: bool, paused: bool) -> str:
    """How far a scan is, or what waits for one; empty when nothing waits and nothing is being looked for."""
    if not progress.pending:
        new = any(root.swept_at is None and root.paused_reason is None for root in standing.roots)
        return "Looking through new folders for images\N{HORIZONTAL ELLIPSIS}" if new and running else ""
    images = "1 image waits" if progress.pending == 1 else f"{progress.pending:,} images wait"
    if running or standing.workers:
        total = progress.pending + progress.finished
        left = f", {duration(progress.seconds_left)} left" if progress.seconds_left is not None else ""
        return f"Scanning: {progress.finished:,} of {total:,} done{left}"
    if paused:
        return f"Paused: {images} to be scanned"
    return f"{images} to be scanned, and nothing scans now"


def duration(seconds: float) -> str:
    """As a person says it, as in `2 min 5 s`."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


def recovery_words(recovered: Sequence[Removed]) -> str:
    """What a killed program had left half moved."""
    lines = [f"{printable(removal.original_path)}: {removal.note or removal.state.value}" for removal in recovered]
    return "The program was ended while files were being moved. Each is whole:\n" + "\n".join(lines)
