"""How things stand, in one line, for the status bar and the tray."""

from scanner.ops.status import Status

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
