"""A database of any revision with rows in all of its tables."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import MetaData, Table, inspect, select

from scanner.database.engine import Database
from scanner.database.models import Base

WHEN = datetime(2026, 11, 1, 12, 30, 59, 123456, UTC)
DETECTION = {"threshold": 0.75, "band_low": 0.5, "device": "cpu", "scanned_at": WHEN, "seconds": 0.1 + 0.2}
REMOVAL = {"host": "désk", "sha256": "ab" * 32, "size": 2**40, "mtime_ns": -1, "atime_ns": 2**62, "created_at": WHEN}
# What every table may hold, with all columns of the latest revision; an earlier one is given those that it has.
ROWS: dict[str, list[dict[str, Any]]] = {
    "contents": [
        {
            "id": number,
            "sha256": f"{number:064x}",
            "size": 2**33,
            "format": "JPEG",
            "width": None,
            "height": 7,
            "first_seen_at": WHEN,
            "evidence": [{"kind": "camera", "finding": "present", "text": "é", "source": "EXIF"}] if number == 1 else None,
            "fingerprint": -(2**63) + number,
        }
        for number in (1, 2, 3)
    ],
    "models": [{"id": 1, "sha256": "cd" * 32, "name": "lite", "card": {"näme": [1.5, None]}, "first_used_at": WHEN}],
    "roots": [
        {"id": 5, "path": "/a/b", "added_at": WHEN, "swept_at": None, "overflows": 3, "found_by_events": 1, "found_by_sweep": 0}
    ],
    "workers": [
        {
            "id": 1,
            "name": "w",
            "host": "h",
            "pid": 7,
            "device": "cpu",
            "model": "lite",
            "started_at": WHEN,
            "seen_at": WHEN,
            "trouble": None,
        }
    ],
    "detections": [
        {
            **DETECTION,
            "id": 10 + number,
            "content_id": number,
            "model_id": 1,
            "made_with": "faces",
            "score": number / 3,
            "label": "fake",
            "basis": "whole",
            "faces": [],
            "stable": number == 1,
            "branches": {"clip": 0.1},
            "disagreement": 0.25,
            "frames": None,
            "decision": "",
        }
        for number in (1, 2, 3)
    ],
    "evidence_words": [{"id": 1, "content_id": 1, "word": "camera"}],
    "reviews": [
        {"id": 4, "content_id": 2, "decision": "real", "reviewer": "añna", "note": "line\nbreak", "created_at": WHEN},
        {"id": 9, "content_id": 2, "decision": "withdrawn", "reviewer": "b", "note": None, "created_at": WHEN},
    ],
    "files": [
        {
            "id": 20 + number,
            "root_id": 5 if number == 1 else None,
            "path": f"/a/b/{number}\udcff.jpg",
            "size": 2**33,
            "mtime_ns": 2**62 + 1,
            "state": "scored",
            "pending_since": WHEN,
            "attempts": 1,
            "content_id": number,
            "detection_id": 10 + number,
            "inode": -(2**63) if number == 1 else None,
            "ctime_ns": 2**62 if number == 1 else None,
            "error": None,
            "finished_at": WHEN,
        }
        for number in (1, 2, 3)
    ],
    "locks": [{"id": 1, "purpose": "watch", "host": "h", "pid": 7, "process_started": 1.5, "held_since": WHEN, "seen_at": WHEN}],
    "saved_filters": [{"id": 1, "name": "mine", "criteria": {"labels": ["fake"]}, "saved_at": WHEN}],
    "removals": [
        {**REMOVAL, "id": 1, "kind": "trash", "state": "done", "original_path": "/a\udcfe", "kept_path": None, "reviewer": "b"}
    ],
}


def tables_of(database: Database) -> dict[str, Table]:
    """What is there now, with the types of the models, which turn times, paths and JSON into what they are here."""
    found = MetaData()
    with database.read() as session:
        found.reflect(session.connection())
    for table in found.tables.values():
        for column in table.columns:
            if table.name in Base.metadata.tables and column.name in Base.metadata.tables[table.name].columns:
                column.type = Base.metadata.tables[table.name].columns[column.name].type
    return {name: table for name, table in found.tables.items() if name in ROWS}


def fill(database: Database) -> None:
    there = tables_of(database)
    with database.write() as session:
        for name, rows in ROWS.items():
            if name in there:
                session.execute(
                    there[name].insert(), [{key: row[key] for key in row if key in there[name].columns} for row in rows]
                )


def content(database: Database) -> dict[str, list[dict[str, Any]]]:
    with database.read() as session:
        return {
            name: [dict(row._mapping) for row in session.execute(select(table).order_by(table.columns["id"]))]
            for name, table in tables_of(database).items()
        }


def shape(database: Database) -> dict[str, list[str]]:
    """Columns, keys, rules and indexes of every table, as the database tells them."""
    with database.read() as session:
        found = inspect(session.connection())
        return {
            table: [
                *(f"{part['name']} {part['type']} {part['nullable']} {part['default']}" for part in found.get_columns(table)),
                *sorted(
                    f"{part['name']} {part['constrained_columns']} {part['referred_table']}"
                    for part in found.get_foreign_keys(table)
                ),
                *sorted(f"{part['name']} {part['column_names']}" for part in found.get_unique_constraints(table)),
                *sorted(f"{part['name']} {part['column_names']} {part['unique']}" for part in found.get_indexes(table)),
                str(found.get_pk_constraint(table)["constrained_columns"]),
            ]
            for table in sorted(found.get_table_names())
        }
