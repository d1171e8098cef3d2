"""A report as table, JSON or CSV: in pieces that are written one after the other, however many items there are, or as a text."""

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from io import StringIO
from typing import Any

import click

from ..base.escape import escaped, escaped_lines, printable
from ..domain.evidence import DAMAGED, mark
from .item import CSV_COLUMNS, REVIEW_COLUMNS, ReportItem, iso
from .report import Report, Summary, iterate_statuses

# What begins a formula; full-width signs are taken for the others in East Asia.
_SIGNS = "=+-@\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH PLUS SIGN}\N{FULLWIDTH HYPHEN-MINUS}\N{FULLWIDTH COMMERCIAL AT}"
_IN_ANOTHER_CELL = re.compile(rf"([;\n][\s\"']*)([{re.escape(_SIGNS)}])")
_COLOURS = {"fake": "red", "uncertain": "yellow", "real": "green", "failed": "magenta", "skipped": "magenta"}


def as_json(report: Report, *, reviewers: bool = False) -> str:
    """`json_pieces` as one text."""
    return "".join(json_pieces(report, report.items, reviewers=reviewers))


def as_csv(report: Report, *, reviewers: bool = False) -> str:
    """`csv_pieces` as one text."""
    return "".join(csv_pieces(report.items, reviewers=reviewers))


def json_pieces(summary: Summary, items: Iterable[ReportItem], *, reviewers: bool = False) -> Iterator[str]:
    """The contract's object; with `reviewers`, REVIEW_COLUMNS are added to each item.

    Bytes of a name that are not UTF-8 are lone surrogates, escaped: os.fsencode gives the name back."""
    document: dict[str, Any] = {
        "since": iso(summary.since),
        "until": iso(summary.until),
        "model": summary.model,
        "totals": summary.totals,
        "items": [],
    }
    beginning, end = json.dumps(document, indent=1).rsplit("]", 1)
    yield beginning
    before = "\n  "
    for item in items:
        yield before + json.dumps(item.to_json(reviewers=reviewers), indent=1).replace("\n", "\n  ")
        before = ",\n  "
    yield ("" if before == "\n  " else "\n ") + "]" + end


def csv_pieces(items: Iterable[ReportItem], *, reviewers: bool = False) -> Iterator[str]:
    """One line per file, with a header (RFC 4180); with `reviewers`, REVIEW_COLUMNS come last."""
    columns = (*CSV_COLUMNS, *(REVIEW_COLUMNS if reviewers else ()))
    yield _csv_line(columns)
    for item in items:
        times = {"scanned_at": iso(item.scanned_at), "reviewed_at": iso(item.reviewed_at)}
        fields = {**vars(item), "path": printable(item.path), "evidence": mark(item.evidence), **times}
        yield _csv_line([fields[column] for column in columns])


def table_pieces(report: Summary, items: Iterable[ReportItem], *, local: Callable[[datetime], datetime]) -> Iterator[str]:
    """For a terminal: a line per item, how many more there are, and the counts."""
    shown = 0
    for item in items:
        shown += 1
        yield _line(item, local) + "\n"
    if shown < report.matching:
        yield f"... and {report.matching - shown:,} more (--limit 0 shows all)\n"
    yield ("\n" if report.matching else "") + summary(report) + "\n"


def summary(report: Summary) -> str:
    """The counts in one line."""
    counts = [click.style(f"{count:,} {status}", fg=_COLOURS.get(status)) for status, count in iterate_statuses(report)]
    model = f"; model {escaped(report.model)}" if report.model else ""
    return f"{report.totals['files']:,} files: {', '.join(counts) or 'nothing'}{model}"


def _csv_line(fields: Sequence[object]) -> str:
    out = StringIO()
    csv.writer(out).writerow([_harmless(field) if isinstance(field, str) else field for field in fields])
    return out.getvalue()


def _harmless(cell: str) -> str:
    """A text that no spreadsheet takes for a formula (OWASP, CSV injection), and no terminal for a command.

    An apostrophe goes before what would begin a formula: at the start, and behind a semicolon, where the spreadsheets of some
    countries begin another cell. Tabs and control characters are escaped.
    """
    cell = escaped_lines(cell)
    begins_one = cell.lstrip()[:1] in tuple(_SIGNS) or cell.startswith("\n")
    return _IN_ANOTHER_CELL.sub(r"\1'\2", f"'{cell}" if begins_one else cell)


def _line(item: ReportItem, local: Callable[[datetime], datetime]) -> str:
    when = local(item.scanned_at).strftime("%Y-%m-%d %H:%M") if item.scanned_at else " " * 16
    score = f"{item.score:.3f}" if item.score is not None else "     "
    status = click.style(f"{item.status:9}", fg=_COLOURS.get(item.status))
    notes = [
        escaped(item.error or ""),
        escaped(", ".join(item.remarks)),
        f"reviewed: {item.review}" if item.review else "",
        f"[{escaped(evidence)}]" if (evidence := mark(one for one in item.evidence or () if one.finding != DAMAGED)) else "",
        f"near copies: {item.group}" if item.group else "",
    ]
    return "  ".join([status, score, when, printable(item.path), *(note for note in notes if note)]).rstrip()
