"""A report in a file."""

import re
from collections.abc import Sequence

from ..base.addresses.user_paths import user_path
from ..database.engine import Database
from ..roots.roots import known_roots
from .item import CSV_COLUMNS
from .outputs import Output

_CSV_START = ",".join(CSV_COLUMNS[:9]).encode()
_TABLE_END = re.compile(rb"(?:^|\n)\d[\d,]* files: [^\n]*\n\Z")


def report_output(path: str, database: Database, *, force: bool, also_protected: Sequence[str] = ()) -> Output:
    """The file `path` for a report: no picture of a watched folder, or of the folders `also_protected`, is ever replaced."""
    watched = [root.path for root in known_roots(database)]
    return Output(user_path(path), is_report, protected=[*watched, *also_protected], force=force)


def is_report(start: bytes, end: bytes) -> bool:
    """Whether a file that begins and ends so is a report of ours, in any format."""
    return (
        start.startswith((b'{\n "since":', _CSV_START))
        or (start.startswith(b"<!doctype html>") and b"<title>dfscan report</title>" in start)
        or _TABLE_END.search(end) is not None
    )
