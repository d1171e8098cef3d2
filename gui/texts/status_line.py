"""How things stand, in one line, for the status bar and the tray."""

from PySide6.QtCore import QCoreApplication

from scanner.ops.status import StandingNow

from ..tasks.progress import Progress


def standing_line(standing: StandingNow, progress: Progress, *, running: bool, paused: bool) -> str:
    """Whether it watches, what waits, how quickly, on which devices."""
    parts = [_tr("paused") if paused else _tr("watching") if running else _tr("not watching")]
    if progress.pending:
        parts.append(_tr("{pending:,} waiting").format(pending=progress.pending))
    if progress.rate:
        parts.append(_tr("{rate:.1f}/s").format(rate=progress.rate))
    if standing.workers:
        parts.append(", ".join(sorted({worker.device for worker in standing.workers})))
    elif running and progress.pending:
        parts.append(_tr("loading the model"))
    return "  \N{MIDDLE DOT}  ".join(parts)


def _tr(text: str) -> str:
    return QCoreApplication.translate("standing", text)
