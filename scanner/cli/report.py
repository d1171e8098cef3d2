"""`dfscan report`."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING

import click

from ..base.addresses.parameters import USER_PATH
from ..base.escape import printable
from ..base.logs import print_text
from ..base.settings import Settings
from ..domain.evidence import FILTERS
from .context import opened_database, pass_settings, say_unknown, utc_now

if TYPE_CHECKING:
    from ..database.engine import Database
    from ..reports.item import ReportItem
    from ..reports.outputs import Output
    from ..reports.report import Summary


OUTPUT = click.option("-o", "--output", type=USER_PATH, help="Write the report to this file instead.")
FORCE = click.option("--force", is_flag=True, help="Let -o replace what is no report of dfscan; in a watched folder never.")
LIMIT = click.option("--limit", default=50, show_default=True, type=click.IntRange(min=0), help="Lines in a table; 0 for all.")


@click.command()
@click.argument("paths", nargs=-1, type=USER_PATH)
@click.option("--since", help="yesterday, today, 7d, last monday, 2026-11-01, ...")
@click.option("--until", help="Like --since; exclusive.")
@click.option(
    "--status",
    "statuses",
    multiple=True,
    help="fake, uncertain, real, flagged, failed, skipped, pending, missing or all. May be repeated.",
)
@click.option(
    "--evidence",
    metavar="WORD",
    default="",
    help=f"Only files that say something of their origin: {', '.join(FILTERS)}. Presence is evidence; absence proves nothing.",
)
@click.option("--format", "form", type=click.Choice(["table", "json", "csv", "html"]), default="table", show_default=True)
@click.option("--json", "as_json_flag", is_flag=True, help="Short for --format json.")
@OUTPUT
@FORCE
@LIMIT
@pass_settings
def report(
    settings: Settings,
    paths: tuple[str, ...],
    since: str | None,
    until: str | None,
    statuses: tuple[str, ...],
    evidence: str,
    form: str,
    as_json_flag: bool,
    output: str | None,
    force: bool,
    limit: int,
) -> None:
    """What was found, most suspicious first; limited to PATHS if there are any."""
    from ..reports.report import opened_report, statuses_meant

    _check_statuses(statuses)
    _check_evidence(evidence)
    form = "json" if as_json_flag else form
    begin, end = _period(since, until)
    with opened_database(settings) as database:
        target = report_target(settings, database, output, force=force)
        say_unknown(database, paths)
        asked = opened_report(
            database,
            since=begin,
            until=end,
            statuses=statuses_meant(statuses),
            paths=paths,
            evidence=evidence,
            limit=limit if form == "table" else 0,
        )
        with asked as (summary, items):
            write_report(summary, items, form, target)


def report_target(
    settings: Settings, database: "Database", output: str | None, *, force: bool, also_protected: Sequence[str] = ()
) -> "Output | None":
    """Where a report goes: a file that may be written, or None for standard output. Raises OutputRefused."""
    if output is None:
        return None
    from ..reports.export import report_output

    target = report_output(output, database, force=force, also_protected=[str(settings.data_dir), *also_protected])
    target.demand_writable()  # before anything is waited for
    return target


def write_report(summary: "Summary", items: Iterable["ReportItem"], form: str, target: "Output | None") -> None:
    """Render a report and write it to a file, or to standard output, piece by piece."""
    pieces = _pieces(summary, items, form)
    if target is None:
        for piece in pieces:
            click.echo(piece, nl=False)
        return
    target.write(map(click.unstyle, pieces))
    print_text(f"written to {printable(target.path)}", err=True)


def _pieces(summary: "Summary", items: Iterable["ReportItem"], form: str) -> Iterator[str]:
    from ..reports import formats

    if form == "json":
        return chain(formats.json_pieces(summary, items), "\n")
    if form == "csv":
        return formats.csv_pieces(items)
    if form == "html":
        from ..reports.html_page import html_pieces

        return chain(html_pieces(summary, items), "\n")
    return formats.table_pieces(summary, items, local=lambda moment: moment.astimezone())


def _period(since: str | None, until: str | None) -> tuple[datetime | None, datetime | None]:
    """The moments that were written, told as they were read: a misreading would only show in what is missing."""
    from ..base.local_time import LocalZone, unknown_zone
    from ..reports.dates import as_read, parse_moment

    if since is None and until is None:
        return None, None
    if (zone := unknown_zone()) is not None:
        print_text(f"dfscan: TZ={printable(zone)} is no time zone that this machine knows; times are read as UTC", err=True)
    now = utc_now().astimezone(LocalZone())
    begin = None if since is None else parse_moment(since, now)
    end = None if until is None else parse_moment(until, now)
    if begin is not None and end is not None and begin >= end:
        raise click.UsageError(f"--since ({as_read(begin)}) is not before --until ({as_read(end)}), so nothing lies between them")
    told = [f"{word} {as_read(moment)}" for word, moment in (("since", begin), ("until", end)) if moment is not None]
    print_text(", ".join(told), err=True)
    return begin, end


def _check_evidence(word: str) -> None:
    if word and word not in FILTERS:
        raise click.UsageError(f"--evidence {word} does not exist; choose from {', '.join(FILTERS)}")


def _check_statuses(statuses: tuple[str, ...]) -> None:
    from ..reports.report import STATUSES

    for status in statuses:
        if status not in (words := (*STATUSES, "flagged", "all")):
            raise click.UsageError(f"--status {status} does not exist; choose from {', '.join(words)}")
