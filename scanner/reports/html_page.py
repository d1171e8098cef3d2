"""A report as one self-contained HTML page with thumbnails: no script, nothing loaded from anywhere."""

import base64
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO

from jinja2 import Environment, PackageLoader, StrictUndefined

from ..base.escape import printable
from ..domain.evidence import CAVEAT, MISSING, Evidence
from ..media.looking.looker import looker
from ..media.looking.not_shown import ChangedSince
from .item import ReportItem
from .report import Report, Summary, iterate_statuses

THUMBNAIL_PIXELS = 160
# A page with more pictures than this is slow to open; the rest is listed without.
THUMBNAILS = 500


@dataclass(frozen=True)
class Entry:
    """One file as the page shows it."""

    item: ReportItem
    path: str
    scanned_at: str
    thumbnail: str | None
    has_changed: bool
    evidence: list[Evidence]


def as_html(report: Report) -> str:
    """`html_pieces` as one text."""
    return "".join(html_pieces(report, report.items))


def html_pieces(summary: Summary, items: Iterable[ReportItem]) -> Iterator[str]:
    """Render the page piece by piece. Times are in the local zone."""
    environment = Environment(
        loader=PackageLoader("scanner.reports"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    thumbnail_left = THUMBNAILS

    def thumbnail(item: ReportItem) -> str | None:
        nonlocal thumbnail_left
        if item.score is None or thumbnail_left == 0:
            return None
        thumbnail_left -= 1
        return thumbnail_of(item.path, item.sha256)

    return environment.get_template("report.html").generate(
        report=summary, entries=_entries(items, thumbnail), counts=list(iterate_statuses(summary)), caveat=CAVEAT
    )


def thumbnail_of(path: str, sha256: str | None = None) -> str | None:
    """A small JPEG of a picture as a data URL; None when it cannot be made (the file may be gone by now).

    It is decoded in a limited process. Raises ChangedSince when the content is another one than that which was judged, `sha256`.
    """
    try:
        buffer = BytesIO()
        looker().small(path, THUMBNAIL_PIXELS, sha256).picture.save(buffer, "JPEG", quality=80)
    except ChangedSince:
        raise
    except Exception:  # whatever is wrong with the file, the report is more important
        return None
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def _entries(items: Iterable[ReportItem], thumbnail: Callable[[ReportItem], str | None]) -> Iterator[Entry]:
    for item in items:
        when = item.scanned_at.astimezone().strftime("%Y-%m-%d %H:%M") if item.scanned_at else ""
        traces = [trace for trace in item.evidence or () if trace.finding != MISSING]
        small, has_changed = None, False
        try:
            small = thumbnail(item)
        except ChangedSince:
            has_changed = True
        yield Entry(item, printable(item.path), when, small, has_changed, traces)
