"""Trees of files and databases of any size, made quickly: what the parts measure on."""

import json
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import text

from scanner.database import schema
from scanner.database.engine import Database, open_database

FILES_PER_FOLDER = 100


def make_tree(top: Path, files: int) -> None:
    """`files` small files that are called images, a hundred to a folder, a hundred folders to a folder, an hour old."""
    hour_ago = time.time() - 3600
    for number in range(files):
        folder = top / f"{number // FILES_PER_FOLDER // 100:03}" / f"{number // FILES_PER_FOLDER:05}"
        if number % FILES_PER_FOLDER == 0:
            folder.mkdir(parents=True)
        path = folder / f"IMG_{number:07}.jpg"
        path.write_bytes(b"\xff\xd8\xff")
        os.utime(path, (hour_ago, hour_ago))


def open_new(url: str) -> Database:
    """A database at the current schema."""
    database = open_database(url)
    schema.upgrade(database)
    return database


def fill(database: Database, rows: int, *, recent: int, now: datetime | None = None) -> None:
    """`rows` scored files of as many contents: `recent` of them are fake and got their verdict now, the others a month ago.

    Every tenth of the old ones is fake, too. Each shows one face, and no two are near copies but by chance.
    """
    moment = now or datetime.now(UTC)
    if database.engine.dialect.name == "sqlite":
        moment = moment.replace(tzinfo=None)
    values: dict[str, Any] = {"now": moment, "old": moment - timedelta(days=30)}
    values["faces"] = json.dumps([{"box": [80, 60, 90, 120], "confidence": 0.9, "score": 0.8, "frame": 0}])
    hexadecimal = "lpad(to_hex(i), 64, '0')" if database.engine.dialect.name == "postgresql" else "printf('%064x', i)"
    name = "lpad(i::text, 7, '0')" if database.engine.dialect.name == "postgresql" else "printf('%07d', i)"
    numbers = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})"
    is_recent = f"i > {rows - recent}"
    is_fake = f"({is_recent} OR i % 10 = 0)"
    at = f"CASE WHEN {is_recent} THEN :now ELSE :old END"
    if database.engine.dialect.name == "postgresql":
        at = f"CASE WHEN {is_recent} THEN CAST(:now AS timestamptz) ELSE CAST(:old AS timestamptz) END"
    faces = "CAST(:faces AS json)" if database.engine.dialect.name == "postgresql" else ":faces"
    spread = "CAST(i AS bigint) * 9007199254741"  # over 63 bits, for a million rows
    with database.write() as session:
        for statement in (
            "INSERT INTO models (id, sha256, name, card, first_used_at) VALUES (1, 'm', 'lite', '{}', :now)",
            f"INSERT INTO contents (id, sha256, size, format, width, height, fingerprint, first_seen_at) {numbers} "
            f"SELECT i, {hexadecimal}, 100000, 'JPEG', 256, 256, {spread}, {at} FROM n",
            "INSERT INTO detections (id, content_id, model_id, made_with, score, threshold, band_low, label, basis, faces, "
            "stable, device, scanned_at, seconds) "
            f"{numbers} SELECT i, i, 1, 'faces', CASE WHEN {is_fake} THEN 0.75 + (i * 7919 % 100000) / 400000.0 "
            "ELSE (i * 7919 % 100000) / 200000.0 END, 0.75, 0.5, "
            f"CASE WHEN {is_fake} THEN 'fake' ELSE 'real' END, 'faces', {faces}, true, 'cpu', {at}, 0.02 FROM n",
            "INSERT INTO files (id, path, size, mtime_ns, state, pending_since, attempts, content_id, detection_id, finished_at) "
            f"{numbers} SELECT i, '/pictures/' || (i / 10000) || '/' || (i / 100) || '/IMG_' || {name} || '.jpg', "
            f"100000, i, 'scored', {at}, 0, i, i, {at} FROM n",
        ):
            session.execute(text(statement), values)
    if database.engine.dialect.name == "postgresql":
        with database.write() as session:
            session.execute(text("ANALYZE"))
