"""A report as table, JSON, CSV or one self-contained HTML page."""

import csv
import json
from collections.abc import Callable
from datetime import datetime
from io import StringIO
from typing import Any

import click

from .printing import escaped, printable
from .report import Report, ReportItem, iterate_statuses

_COLOURS = {"fake": "red", "uncertain": "yellow", "real": "green", "failed": "magenta", "skipped": "magenta"}
CSV_COLUMNS = ("path", "sha256", "state", "label", "score", "threshold", "model", "scanned_at", "review", "error")
# What an export from the review queue adds.
REVIEW_COLUMNS = ("reviewer", "reviewed_at", "note")


def as_json(report: Report, *, reviewers: bool = False) -> str:
    """The contract's object; with `reviewers`, REVIEW_COLUMNS are added to each item.

    Bytes of a name that are not UTF-8 are lone surrogates, escaped: os.fsencode gives the name back."""
    document = {
        "since": _iso(report.since),
        "until": _iso(report.until),
        "model": report.model,
        "totals": report.totals,
        "items": [_json_item(item, reviewers=reviewers) for item in report.items],
    }
    return json.dumps(document, indent=1)


def as_csv(report: Report, *, reviewers: bool = False) -> str:
    """One line per file, with a header (RFC 4180); with `reviewers`, REVIEW_COLUMNS come last."""
    columns = (*CSV_COLUMNS, *(REVIEW_COLUMNS if reviewers else ()))
    out = StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    for item in report.items:
        fields = {**vars(item), "path": printable(item.path), **_times(item)}
        writer.writerow([fields[column] for column in columns])
    return out.getvalue()


def as_table(report: Report, *, local: Callable[[datetime], datetime]) -> str:
    """For a terminal: a line per item, how many more there are, and the counts."""
    lines = [_line(item, local) for item in report.items]
    if len(report.items) < report.matching:
        lines.append(f"... and {report.matching - len(report.items):,} more (--limit 0 shows all)")
    return "\n".join([*lines, *([""] if lines else []), summary(report)])


def summary(report: Report) -> str:
    """The counts in one line."""
    counts = [click.style(f"{count:,} {status}", fg=_COLOURS.get(status)) for status, count in iterate_statuses(report)]
    model = f"; model {report.model}" if report.model else ""
    return f"{report.totals['files']:,} files: {', '.join(counts) or 'nothing'}{model}"


def _line(item: ReportItem, local: Callable[[datetime], datetime]) -> str:
    when = local(item.scanned_at).strftime("%Y-%m-%d %H:%M") if item.scanned_at else " " * 16
    score = f"{item.score:.3f}" if item.score is not None else "     "
    status = click.style(f"{item.status:9}", fg=_COLOURS.get(item.status))
    notes = [escaped(item.error or ""), f"reviewed: {item.review}" if item.review else ""]
    return "  ".join([status, score, when, printable(item.path), *(note for note in notes if note)]).rstrip()


def _json_item(item: ReportItem, *, reviewers: bool) -> dict[str, Any]:
    fields = {**vars(item), **_times(item)}
    return fields if reviewers else {name: value for name, value in fields.items() if name not in REVIEW_COLUMNS}


def _times(item: ReportItem) -> dict[str, str | None]:
    return {"scanned_at": _iso(item.scanned_at), "reviewed_at": _iso(item.reviewed_at)}


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None
