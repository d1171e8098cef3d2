"""What reports print of text from outside: nothing that a terminal obeys or a spreadsheet computes."""

import csv
from collections.abc import Callable
from datetime import UTC, datetime
from io import StringIO

import pytest

from scanner.domain.evidence import Evidence
from scanner.domain.states import FLAGGED, State
from scanner.reports.formats import csv_pieces, table_pieces
from scanner.reports.item import ReportItem
from scanner.reports.report import Summary

MakeItem = Callable[..., ReportItem]
# Sets the title, clears the screen, turns the direction of what follows, and is CSI in one byte.
STEERING = "\x1b]0;title\x07\x1b[2J\u202egpj.exe\x9b31m"
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


def _row(one: ReportItem) -> dict[str, str]:
    [row] = csv.DictReader(StringIO("".join(csv_pieces([one], reviewers=True))))
    return row


@pytest.mark.parametrize(
    "cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\N{FULLWIDTH EQUALS SIGN}1", "=cmd|'calc'!A0"]
)
def test_no_cell_begins_a_formula(item: MakeItem, cell: str) -> None:
    row = _row(item("/pictures/a.jpg", note=cell, reviewer=cell, error=cell, model=cell))

    for name in ("note", "reviewer", "error", "model"):
        assert row[name][0] in "'\\", (name, row[name])


def test_no_cell_begins_one_where_a_semicolon_begins_a_cell(item: MakeItem) -> None:
    row = _row(item("/pictures/a;=1.jpg", note='fine;"=cmd()', reviewer="a; -b", error="one\n=two"))

    assert row["path"] == "/pictures/a;'=1.jpg"
    assert row["note"] == """fine;"'=cmd()"""
    assert row["reviewer"] == "a; '-b"
    assert row["error"] == "one\n'=two"


def test_other_cells_stay_as_they_are(item: MakeItem) -> None:
    row = _row(item("/pictures/a-b=c@d.jpg", note="2 - 1 = 1", reviewer="anna@home", score=0.5))

    assert (row["path"], row["note"], row["reviewer"], row["score"]) == ("/pictures/a-b=c@d.jpg", "2 - 1 = 1", "anna@home", "0.5")


def test_nothing_steers_a_terminal(item: MakeItem) -> None:
    traces = (Evidence("software", STEERING, STEERING, "EXIF"),)
    one = item(f"/pictures/{STEERING}.jpg", evidence=traces, **dict.fromkeys(("note", "reviewer", "error", "model"), STEERING))
    summary = Summary(None, None, STEERING, {"files": 1, **dict.fromkeys((*FLAGGED, *State, "real"), 0)}, 1)

    text = "".join(table_pieces(summary, [one], local=lambda moment: moment)) + "".join(csv_pieces([one], reviewers=True))

    odd = {char for char in text if not char.isprintable() and char not in "\r\n"}
    assert odd <= {"\x1b"}  # our own colours, which are all that is left of it
    assert all(code.split("m")[0].isdecimal() for code in text.split("\x1b[")[1:])
