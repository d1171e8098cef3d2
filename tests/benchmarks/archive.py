"""A large archive as years of use leave it: verdicts of two models, decisions, evidence, problems, a backlog; put in by SQL."""

import re
from datetime import UTC, datetime

from sqlalchemy import Connection, text

from scanner.database.engine import Database

# So many got their verdict within the last hour; those of the others are spread over the year before yesterday.
OF_TODAY = 5_000
AWAY = "/archive"
# Of each thousand files: failed, skipped, and pending. Those that are not on the disk also have a missing one.
_FAILED, _SKIPPED, _MISSING, _PENDING = (1, 2), (3, 3), (4, 4), (5, 9)


def fill_archive(database: Database, rows: int, *, on_disk: int, now: datetime | None = None) -> None:
    """Give the files 1 to `on_disk` that a first sweep has taken in what they have in an archive of `rows` files, and add the
    others, which are on no disk, below AWAY.

    8 of 100 are flagged, half of those are decided on. A quarter of the verdicts are of an older model.
    """
    moment = now or datetime.now(UTC)
    is_sqlite = database.engine.dialect.name == "sqlite"
    sql = _Sqlite(rows, moment) if is_sqlite else _Postgres(rows, moment)
    with database.write() as session:
        connection = session.connection()
        for statement in _statements(sql, rows, on_disk):
            connection.execute(text(statement), sql.values)
        sql.adjust(connection)
    # What a database of some age has: Postgres does both by itself (autovacuum).
    with database.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)" if is_sqlite else "VACUUM ANALYZE")


class _Sqlite:
    """How SQLite writes what differs."""

    def __init__(self, rows: int, now: datetime) -> None:
        self.rows = rows
        self.values = {"now": now.replace(tzinfo=None)}
        self.clock = now.replace(tzinfo=None).isoformat(" ")

    def numbers(self, first: int) -> str:
        """A table `n` of the numbers `first` to the last row's, in its column `i`."""
        return f"(WITH RECURSIVE s(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM s WHERE i < {self.rows}) SELECT i FROM s) n"

    def before(self, seconds: str) -> str:
        """The moment so many seconds ago."""
        return f"strftime('%Y-%m-%d %H:%M:%f', '{self.clock}', '-' || ({seconds}) || ' seconds') || '000'"

    def padded(self, number: str, digits: int) -> str:
        """A number with zeros before it."""
        return f"printf('%0{digits}d', {number})"

    json = "{}".format

    def adjust(self, connection: Connection) -> None:
        """SQLite keeps no counters."""


class _Postgres:
    """How Postgres does."""

    def __init__(self, rows: int, now: datetime) -> None:
        self.rows = rows
        self.values = {"now": now}

    def numbers(self, first: int) -> str:
        """As in _Sqlite."""
        return f"generate_series({first}, {self.rows}) AS n(i)"

    def before(self, seconds: str) -> str:
        """As in _Sqlite."""
        return f"CAST(:now AS timestamptz) - make_interval(secs => {seconds})"

    def padded(self, number: str, digits: int) -> str:
        """As in _Sqlite."""
        return f"lpad(CAST({number} AS text), {digits}, '0')"

    json = "CAST({} AS json)".format

    def adjust(self, connection: Connection) -> None:
        """Rows were put in with numbers of their own: the next one's is behind those."""
        for table in ("files", "contents", "detections"):
            connection.execute(text(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), {self.rows})"))


def _statements(sql: _Sqlite | _Postgres, rows: int, on_disk: int) -> list[str]:
    year = (365 - 2) * 86400
    ago = f"CASE WHEN i > {rows - OF_TODAY} THEN 1800 ELSE 172800 + CAST({rows} - i AS bigint) * {year} / {rows} END"
    at = sql.before(ago)
    spread = "CAST(i AS bigint) * 922337203685"  # over 63 bits, for 10 million
    # By the upper bits of a product (Knuth's multiplicative hash), so that no two patterns go together.
    chance = "(CAST(i AS bigint) * 2654435761 % 4294967296) * 100 / 4294967296"
    score = f"CASE WHEN {chance} < 4 THEN 0.75 WHEN {chance} < 8 THEN 0.5 ELSE 0.0 END + "
    score += f"CAST(i AS bigint) * 104729 % 1000003 / 1000003.0 * CASE WHEN {chance} < 8 THEN 0.25 ELSE 0.5 END"
    label = f"CASE WHEN {chance} < 4 THEN 'fake' WHEN {chance} < 8 THEN 'uncertain' ELSE 'real' END"
    faces = sql.json("""'[{"box": [80, 60, 90, 120], "confidence": 0.9, "score": 0.8, "frame": 0}]'""")
    folder = f"'{AWAY}/' || {sql.padded('i / 10000', 4)} || '/' || {sql.padded('i / 100', 6)}"
    name = f"{folder} || '/IMG_' || {sql.padded('i', 8)} || '.jpg'"
    has_verdict = f"NOT ({_is(_FAILED)} OR {_is(_SKIPPED)} OR {_is(_PENDING)})"
    state = f"CASE WHEN {_is(_FAILED)} THEN 'failed' WHEN {_is(_SKIPPED)} THEN 'skipped' WHEN {_is(_PENDING)} THEN 'pending'"
    state += f" WHEN {_is(_MISSING)} AND i > {on_disk} THEN 'missing' ELSE 'scored' END"
    columns = {
        "state": state,
        "pending_since": at,
        "attempts": "0",
        "content_id": f"CASE WHEN {has_verdict} THEN i END",
        "detection_id": f"CASE WHEN {has_verdict} THEN i END",
        "error_kind": f"CASE WHEN {_is(_FAILED)} THEN 'undecodable' WHEN {_is(_SKIPPED)} THEN 'not-a-file' END",
        "error": f"CASE WHEN {_is(_FAILED)} THEN 'it ends too early' WHEN {_is(_SKIPPED)} THEN 'a FIFO' END",
        "finished_at": f"CASE WHEN NOT {_is(_PENDING)} THEN {at} END",
    }
    of_disk = ", ".join(f"{column} = {_of_id(value)}" for column, value in columns.items())
    return [
        "INSERT INTO models (id, sha256, name, card, first_used_at) "
        "VALUES (1, 'm', 'old', '{}', :now), (2, 'n', 'new', '{}', :now)",
        f"INSERT INTO roots (id, path, added_at, overflows, found_by_events, found_by_sweep) VALUES (2, '{AWAY}', :now, 0, 0, 0)",
        "INSERT INTO contents (id, sha256, size, format, width, height, fingerprint, first_seen_at) "
        f"SELECT i, {sql.padded('i', 64)}, 100000, 'JPEG', 256, 256, {spread}, {at} FROM {sql.numbers(1)}",
        "INSERT INTO detections (id, content_id, model_id, made_with, score, threshold, band_low, label, basis, faces, stable, "
        "disagreement, device, scanned_at, seconds) "
        f"SELECT i, i, CASE WHEN i % 4 = 0 THEN 1 ELSE 2 END, 'faces', {score}, 0.75, 0.5, {label}, 'faces', {faces}, true, "
        f"CASE WHEN i % 5 > 0 THEN CAST(i AS bigint) * 15485863 % 1000003 / 1000003.0 END, 'cpu', {at}, 0.02 "
        f"FROM {sql.numbers(1)}",
        f"INSERT INTO evidence_words (content_id, word) SELECT i, 'any' FROM {sql.numbers(1)} WHERE i % 50 < 2",
        "INSERT INTO evidence_words (content_id, word) SELECT i, CASE WHEN i % 50 = 0 THEN 'generated' ELSE 'edited' END "
        f"FROM {sql.numbers(1)} WHERE i % 50 < 2",
        "INSERT INTO reviews (content_id, decision, reviewer, created_at) SELECT content_id, CASE content_id % 8 "
        "WHEN 0 THEN 'real' WHEN 2 THEN 'unsure' ELSE 'fake' END, 'anna', scanned_at FROM detections "
        "WHERE label <> 'real' AND content_id % 2 = 0",
        "INSERT INTO reviews (content_id, decision, reviewer, created_at) SELECT content_id, 'withdrawn', 'anna', scanned_at "
        "FROM detections WHERE label <> 'real' AND content_id % 40 = 0",
        "UPDATE detections SET decision = CASE content_id % 8 WHEN 0 THEN 'real' WHEN 2 THEN 'unsure' ELSE 'fake' END "
        "WHERE label <> 'real' AND content_id % 2 = 0 AND content_id % 40 > 0",
        f"UPDATE files SET {of_disk} WHERE id <= {on_disk}",
        *(
            [
                f"INSERT INTO files (id, root_id, path, size, mtime_ns, {', '.join(columns)}) "
                f"SELECT i, 2, {name}, 100000, i, {', '.join(columns.values())} FROM {sql.numbers(on_disk + 1)}"
            ]
            if on_disk < rows
            else []
        ),
    ]


def _is(of_thousand: tuple[int, int]) -> str:
    return "(i % 1000 BETWEEN {} AND {})".format(*of_thousand)


def _of_id(expression: str) -> str:
    return re.sub(r"\bi\b", "id", expression)
