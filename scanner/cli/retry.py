"""`dfscan retry`."""

from pathlib import Path

import click

from ..base.settings import Settings
from .context import opened_database, pass_settings, utc_now


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--reason", "kind", help="Only this kind of failure, such as unreadable, undecodable or gave-up.")
@pass_settings
def retry(settings: Settings, paths: tuple[Path, ...], kind: str | None) -> None:
    """Make failed files pending again; limited to PATHS if there are any."""
    from ..jobs.queue import waker
    from ..results.problems import failed_kinds, retry_failed

    with opened_database(settings) as database:
        scope = [str(path.expanduser().absolute()) for path in paths]
        count = retry_failed(database, paths=scope, kind=kind, now=utc_now())
        kinds = failed_kinds(database, paths=scope)
    if count:
        waker(settings)()
        click.echo(f"{count:,} failed files are pending again; `dfscan scan` or a running `dfscan watch` takes them up")
        return
    there_are = ", ".join(f"{name} ({number:,})" for name, number in kinds.items())
    click.echo(f"no file has failed with the reason {kind}; there are: {there_are}" if kinds else "no file has failed")
