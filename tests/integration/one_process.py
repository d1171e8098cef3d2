"""One of several processes at work on one database; started by the tests.

    python one_process.py URL ROLE [ARGUMENT...]

It says `ready`, waits for a line on standard input, works, and prints a JSON object.
"""

import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime

from sqlalchemy import func, select

from scanner.database.engine import Database, open_database
from scanner.database.models import File
from scanner.discovery.intake import Taken, take_in
from scanner.discovery.walk import Found
from scanner.domain.outcomes import ContentFacts, Scored
from scanner.domain.states import State
from scanner.jobs.leases import backlog, claim
from scanner.reports.report import build_report
from scanner.results.record import record, register_model


def main() -> None:
    """Play one role."""
    url, role, *arguments = sys.argv[1:]
    database = open_database(url)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    json.dump(ROLES[role](database, *arguments), sys.stdout)
    database.close()


def take_in_files(database: Database, folder: str, count: str, order: str = "forwards") -> dict[str, int]:
    """Take in `count` files below `folder`, one by one."""
    numbers = range(int(count))
    taken = Taken()
    for number in numbers if order == "forwards" else reversed(numbers):
        taken += take_in(database, [Found(f"{folder}/{number}", 1, 1)], root_id=None, now=_now())
    return asdict(taken)


def work(database: Database, owner: str, total: str) -> dict[str, int]:
    """Claim and record, until `total` files are scored."""
    model = register_model(database, sha256="11" * 32, name="lite", card={}, threshold=0.75, band_low=0.5, now=_now())
    done = 0
    while _scored(database) < int(total):
        claimed = claim(database, owner, 5, now=_now(), lease_seconds=60, max_attempts=3)
        outcomes = [Scored(file, ContentFacts(f"{file.id:064x}", 1), 0.9, 0.1) for file in claimed]
        record(database, owner, outcomes, model, device="cpu", now=_now())
        done += len(claimed)
    return {"done": done}


def read(database: Database, total: str) -> dict[str, int]:
    """Report again and again, until `total` files are scored."""
    reports = seen = 0
    while seen < int(total):
        report = build_report(database)
        assert report.totals["fake"] >= seen, "a verdict that was there has gone"
        assert backlog(database, _now()).pending <= int(total)
        reports, seen = reports + 1, report.totals["fake"]
    return {"reports": reports}


def _scored(database: Database) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(File).where(File.state == State.SCORED)) or 0


def _now() -> datetime:
    return datetime.now(UTC)


ROLES = {"take-in": take_in_files, "work": work, "read": read}

if __name__ == "__main__":
    main()
