"""`dfscan report`."""

import sys
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..base.settings import Settings
from ..domain.evidence import FILTERS
from .context import opened_database, pass_settings, utc_now

if TYPE_CHECKING:
    from ..reports.item import ReportItem
    from ..reports.report import Summary


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--since", help="yesterday, today, 7d, last monday, 2026-11-01, ...")
@click.option("--until", help="Like --since; exclusive.")
@click.option(
    "--status",
    "statuses",
    multiple=True,
    help="fake, uncertain, real, flagged, failed, skipped, pending or missing. May be repeated.",
)
@click.option(
    "--evidence",
    metavar="WORD",
    default="",
    help=f"Only files that say something of their origin: {', '.join(FILTERS)}. Presence is evidence; absence proves nothing.",
)
@click.option("--format", "form", type=click.Choice(["table", "json", "csv", "html"]), default="table", show_default=True)
@click.option("--json", "as_json_flag", is_flag=True, help="Short for --format json.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write to this file instead.")
@click.option("--limit", default=50, show_default=True, help="Lines in a table; 0 for all.")
@pass_settings
def report(
    settings: Settings,
    paths: tuple[Path, ...],
    since: str | None,
    until: str | None,
    statuses: tuple[str, ...],
    evidence: str,
    form: str,
    as_json_flag: bool,
    output: Path | None,
    limit: int,
) -> None:
    """What was found, most suspicious first; limited to PATHS if there are any."""
    from tzlocal import get_localzone

    from ..reports.dates import parse_moment
    from ..reports.report import opened_report, statuses_meant

    _check_statuses(statuses)
    _check_evidence(evidence)
    form = "json" if as_json_flag else form
    now = utc_now().astimezone(get_localzone())  # with its rules, not only the offset of today
    with opened_database(settings) as database:
        asked = opened_report(
            database,
            since=parse_moment(since, now) if since else None,
            until=parse_moment(until, now) if until else None,
            statuses=statuses_meant(statuses),
            paths=[str(path.expanduser().absolute()) for path in paths],
            evidence=evidence,
            limit=limit if form == "table" else 0,
        )
        with asked as (summary, items):
            write_report(summary, items, form, output)


def write_report(summary: "Summary", items: Iterable["ReportItem"], form: str, output: Path | None) -> None:
    """Render a report and write it to a file, or to standard output, piece by piece."""
    pieces = _pieces(summary, items, form)
    if output is None:
        for piece in pieces:
            click.echo(piece, nl=False)
        return
    try:
        with output.open("w", encoding="utf-8", errors="backslashreplace") as file:
            file.writelines(map(click.unstyle, pieces))
    except OSError as error:
        raise click.ClickException(f"{output} cannot be written: {error.strerror}; choose another with -o") from None
    print(f"written to {output}", file=sys.stderr)  # noqa: T201


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


def _check_evidence(word: str) -> None:
    if word and word not in FILTERS:
        raise click.UsageError(f"--evidence {word} does not exist; choose from {', '.join(FILTERS)}")


def _check_statuses(statuses: tuple[str, ...]) -> None:
    from ..reports.report import STATUSES

    for status in statuses:
        if status not in (*STATUSES, "flagged"):
            raise click.UsageError(f"--status {status} does not exist; choose from {', '.join((*STATUSES, 'flagged'))}")
