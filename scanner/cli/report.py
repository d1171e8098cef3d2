"""`dfscan report`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..settings import Settings
from .context import opened_database, pass_settings, utc_now

if TYPE_CHECKING:
    from ..report import Report


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
    form: str,
    as_json_flag: bool,
    output: Path | None,
    limit: int,
) -> None:
    """What was found, most suspicious first; limited to PATHS if there are any."""
    from tzlocal import get_localzone

    from ..dates import parse_moment
    from ..report import build_report, statuses_meant

    _check_statuses(statuses)
    form = "json" if as_json_flag else form
    now = utc_now().astimezone(get_localzone())  # with its rules, not only the offset of today
    with opened_database(settings) as database:
        found = build_report(
            database,
            since=parse_moment(since, now) if since else None,
            until=parse_moment(until, now) if until else None,
            statuses=statuses_meant(statuses),
            paths=[str(path.expanduser().absolute()) for path in paths],
            limit=limit if form == "table" else 0,
        )
    write_report(found, form, output)


def write_report(found: "Report", form: str, output: Path | None) -> None:
    """Render a report and write it to a file, or to standard output. Raises OutputError."""
    from .. import report_formats

    if form == "json":
        text = report_formats.as_json(found)
    elif form == "csv":
        text = report_formats.as_csv(found).rstrip("\r\n")
    elif form == "html":
        from ..report_html import as_html

        text = as_html(found)
    else:
        text = report_formats.as_table(found, local=lambda moment: moment.astimezone())
    if output is None:
        click.echo(text)
        return
    try:
        output.write_text(click.unstyle(text) + "\n", "utf-8", errors="backslashreplace")
    except OSError as error:
        raise click.ClickException(f"{output} cannot be written: {error.strerror}; choose another with -o") from None
    print(f"written to {output}", file=sys.stderr)  # noqa: T201


def _check_statuses(statuses: tuple[str, ...]) -> None:
    from ..report import STATUSES

    for status in statuses:
        if status not in (*STATUSES, "flagged"):
            raise click.UsageError(f"--status {status} does not exist; choose from {', '.join((*STATUSES, 'flagged'))}")
