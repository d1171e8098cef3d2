"""A report as JSON, CSV and table."""

import csv
import json
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from io import StringIO

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.domain.evidence import evidence_from_json
from scanner.domain.prediction import Face, Prediction
from scanner.domain.states import Basis
from scanner.reports.formats import as_csv, as_json, printable, summary, table_pieces
from scanner.reports.item import CSV_COLUMNS, ReportItem
from scanner.reports.report import Report
from scanner.results.part_verdicts import PartVerdict

MakeItem = Callable[..., ReportItem]
MakeReport = Callable[..., Report]

ITEM_KEYS = [
    *("path", "sha256", "state", "label", "score", "threshold", "model", "scanned_at"),
    *("basis", "faces", "stable", "branches", "disagreement", "evidence", "frames", "group", "parts", "review", "error"),
]
STRANGE_NAMES = [b"/new\nline.jpg", b"/\xff\xfe not utf-8.jpg", b"/quote'\",;.jpg", b"/\x1b[31mred.jpg", "/größe ☀.jpg".encode()]


def in_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


def table(report: Report) -> str:
    return click.unstyle("".join(table_pieces(report, report.items, local=in_utc))).removesuffix("\n")


def test_json_has_exactly_the_keys_of_the_contract(item: MakeItem, failed: MakeItem, report_of: MakeReport) -> None:
    document = json.loads(as_json(report_of(item("/a.jpg"), failed("/b.jpg"))))
    assert set(document) == {"since", "until", "model", "totals", "items"}
    assert set(document["totals"]) == {"files", "fake", "uncertain", "real", "pending", "failed", "skipped", "missing"}
    for entry in document["items"]:
        assert sorted(entry) == sorted(ITEM_KEYS)
    assert document["items"][0] == {
        "path": "/a.jpg",
        "sha256": "ab" * 32,
        "state": "scored",
        "label": "fake",
        "score": 0.987654321,
        "threshold": 0.75,
        "model": "lite",
        "scanned_at": "2026-11-01T12:30:15+00:00",
        "basis": "whole",
        "faces": None,
        "stable": None,
        "branches": None,
        "disagreement": None,
        "evidence": None,
        "frames": None,
        "group": None,
        "parts": None,
        "review": None,
        "error": None,
    }


def test_parts_that_disagree_are_told(item: MakeItem, report_of: MakeReport) -> None:
    apart = (PartVerdict("lite", 0.95, "fake"), PartVerdict("probe", 0.2, "real"))
    at_one = (PartVerdict("lite", 0.95, "fake"), PartVerdict("probe", 0.9, "fake"))
    report = report_of(item("/a.jpg", parts=apart), item("/b.jpg", parts=at_one))
    first, second = table(report).splitlines()[:2]
    assert "parts disagree: lite 0.950 fake, probe 0.200 real" in first
    assert "disagree" not in second
    assert json.loads(as_json(report))["items"][0]["parts"] == [
        {"name": "lite", "score": 0.95, "label": "fake"},
        {"name": "probe", "score": 0.2, "label": "real"},
    ]


EVIDENCE = [
    {"kind": "generator", "finding": "comfyui", "text": "written by <b>ComfyUI</b>", "source": "PNG text prompt"},
    {"kind": "camera", "finding": "missing", "text": "no camera data, which proves nothing", "source": "EXIF"},
]


def test_table_remarks(item: MakeItem, report_of: MakeReport) -> None:
    """The table says what one has to know to read a score."""
    items = [
        item("/a", prediction=Prediction(faces=())),
        item("/b", prediction=Prediction(Basis.FACES, (Face((0, 0, 9, 9), 1, 0.9),), stable=False)),
        item("/c"),
    ]
    lines = table(report_of(*items)).splitlines()
    assert [line.split("  ")[-1] for line in lines[:3]] == ["no face found", "unstable", "/c"]


def test_damage_is_a_remark_of_the_table(item: MakeItem, report_of: MakeReport) -> None:
    damaged = {"kind": "file", "finding": "damaged", "text": "damaged: truncated", "source": "JPEG"}
    report = report_of(
        item("/a", evidence=evidence_from_json([damaged, *EVIDENCE]), prediction=Prediction(faces=())),
        item("/b", evidence=evidence_from_json([damaged])),
    )
    lines = table(report).splitlines()
    assert lines[0].endswith("/a  damaged, no face found  [generator: comfyui]")
    assert lines[1].endswith("/b  damaged")
    assert [row["evidence"] for row in csv.DictReader(StringIO(as_csv(report), newline=""))] == [
        "file: damaged, generator: comfyui",
        "file: damaged",
    ]


def test_evidence_and_groups_in_every_format(item: MakeItem, report_of: MakeReport) -> None:
    """JSON has all of it, the table has marks."""
    grouped = [
        item("/a", evidence=evidence_from_json(EVIDENCE), group="aa00"),
        item("/c", score=0.8, group="aa00"),
        item("/b", score=0.9),
    ]
    report = report_of(*grouped)
    entries = json.loads(as_json(report))["items"]
    assert [entry["evidence"] for entry in entries] == [EVIDENCE, None, None]
    assert [entry["group"] for entry in entries] == ["aa00", "aa00", None]
    rows = list(csv.DictReader(StringIO(as_csv(report), newline="")))
    assert [row["evidence"] for row in rows] == ["generator: comfyui", "", ""]
    assert [row["group"] for row in rows] == ["aa00", "aa00", ""]
    lines = table(report).splitlines()
    assert [line.split()[4] for line in lines[:3]] == ["/a", "/c", "/b"]
    assert lines[0].endswith("/a  [generator: comfyui]  near copies: aa00")


def test_what_does_not_apply_is_null_in_json(failed: MakeItem, report_of: MakeReport) -> None:
    [entry] = json.loads(as_json(report_of(failed("/b.jpg"))))["items"]
    assert {key for key in ITEM_KEYS if entry[key] is not None} == {"path", "state", "scanned_at", "error"}


def test_times_in_json_have_their_zone(report_of: MakeReport) -> None:
    report = replace(report_of(), since=datetime(2026, 11, 1, tzinfo=timezone(timedelta(hours=1))), until=None)
    document = json.loads(as_json(report))
    assert document["since"] == "2026-11-01T00:00:00+01:00"
    assert document["until"] is None


@pytest.mark.parametrize("name", STRANGE_NAMES)
def test_the_bytes_of_a_name_survive_json(item: MakeItem, report_of: MakeReport, name: bytes) -> None:
    text = as_json(report_of(item(os.fsdecode(name))))
    text.encode("ascii")  # whatever it is written to takes it
    assert os.fsencode(json.loads(text)["items"][0]["path"]) == name


def test_csv_parses_back(item: MakeItem, failed: MakeItem, report_of: MakeReport) -> None:
    report = report_of(item("/a, b.jpg", review="fake"), failed('/c"d.jpg', 'because of "x",\ny'))
    first, second = csv.DictReader(StringIO(as_csv(report), newline=""))
    assert tuple(first) == CSV_COLUMNS
    assert first["path"] == "/a, b.jpg"
    assert float(first["score"]) == 0.987654321
    assert datetime.fromisoformat(first["scanned_at"]) == datetime(2026, 11, 1, 12, 30, 15, tzinfo=UTC)
    assert first["review"] == "fake"
    assert second["path"] == '/c"d.jpg'
    assert second["error"] == 'because of "x",\ny'
    assert second["score"] == second["label"] == second["sha256"] == ""


@pytest.mark.parametrize("name", STRANGE_NAMES)
def test_csv_takes_names_of_any_bytes(item: MakeItem, report_of: MakeReport, name: bytes) -> None:
    text = as_csv(report_of(item(os.fsdecode(name))))
    text.encode("utf-8")
    [row] = csv.DictReader(StringIO(text, newline=""))
    assert row["path"] == printable(os.fsdecode(name))


def test_csv_of_nothing_is_its_header(report_of: MakeReport) -> None:
    assert as_csv(report_of()) == ",".join(CSV_COLUMNS) + "\r\n"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"/a/photo.jpg", "/a/photo.jpg"),
        ("/größe ☀ 日本.jpg".encode(), "/größe ☀ 日本.jpg"),
        (b"/new\nline\r.jpg", "/new\\nline\\r.jpg"),
        (b"/\x1b]0;title\x07\x1b[2J.jpg", "/\\x1b]0;title\\x07\\x1b[2J.jpg"),
        (b"/\xff\xfe.jpg", "/\\xff\\xfe.jpg"),
        ("/\u202egpj.exe".encode(), "/\\u202egpj.exe"),  # would be shown from right to left
        ("/\x9b31m.jpg".encode(), "/\\x9b31m.jpg"),  # the one-character form of ESC [
    ],
)
def test_printable_escapes_what_could_steer_a_terminal(name: bytes, shown: str) -> None:
    assert printable(os.fsdecode(name)) == shown


@given(st.binary(max_size=30))
def test_printable_is_one_line(name: bytes) -> None:
    """Printable is always one line of printable unicode."""
    text = printable(os.fsdecode(name))
    assert text.isprintable()
    text.encode("utf-8")


def test_a_table_line_says_verdict_score_time_and_path(item: MakeItem, report_of: MakeReport) -> None:
    [line, empty, counts] = table(report_of(item("/a.jpg", review="real"))).splitlines()
    assert line == "fake       0.988  2026-11-01 12:30  /a.jpg  reviewed: real"
    assert empty == ""
    assert counts == "1 files: 1 fake; model lite"


def test_a_table_has_a_line_for_each_item(item: MakeItem, failed: MakeItem, report_of: MakeReport) -> None:
    lines = table(report_of(item("/a.jpg"), item("/b.jpg", label="real", score=0.1), failed("/bad.jpg"))).splitlines()
    assert [line.split()[0] for line in lines[:3]] == ["fake", "real", "failed"]
    assert lines[2].endswith("/bad.jpg  empty: the file has 0 bytes")
    assert "more" not in "".join(lines)


def test_a_table_says_how_much_it_leaves_out(item: MakeItem, failed: MakeItem, report_of: MakeReport) -> None:
    lines = table(report_of(item("/a.jpg"), failed("/bad.jpg"), left_out=1498)).splitlines()
    assert lines[2] == "... and 1,498 more (--limit 0 shows all)"
    assert lines[-1] == "1,500 files: 1,499 fake, 1 failed; model lite"


def test_nothing_in_a_table_line_can_steer_a_terminal(item: MakeItem, failed: MakeItem, report_of: MakeReport) -> None:
    report = report_of(item("/\x1b[2J\n.jpg"), failed("/x.jpg", "a symbolic link out of the folder, to /\x1b[2J\n.jpg"))
    lines = table(report).splitlines()
    assert len(lines) == 4
    assert all(line.isprintable() for line in lines)


def test_the_summary_of_nothing(report_of: MakeReport) -> None:
    assert click.unstyle(summary(replace(report_of(), model=None))) == "0 files: nothing"
