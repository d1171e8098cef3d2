"""`dfscan retry`."""

import click

from ..base.addresses.parameters import USER_PATH
from ..base.logs import print_text
from ..base.settings import Settings
from .context import opened_database, pass_settings, say_unknown


@click.command()
@click.argument("paths", nargs=-1, type=USER_PATH)
@click.option("--reason", "kind", help="Only this kind of failure, such as unreadable, undecodable or gave-up.")
@pass_settings
def retry(settings: Settings, paths: tuple[str, ...], kind: str | None) -> None:
    """Make failed files pending again; limited to PATHS if there are any."""
    from ..jobs.queue import waker
    from ..results.problems import failed_kinds, retry_failed

    with opened_database(settings) as database:
        say_unknown(database, paths)
        count = retry_failed(database, paths=paths, kind=kind, now=database.now())
        kinds = failed_kinds(database, paths=paths)
    if count:
        waker(settings)()
        print_text(f"{count:,} failed files are pending again; `dfscan scan` or a running `dfscan watch` takes them up")
        return
    there_are = ", ".join(f"{name} ({number:,})" for name, number in kinds.items())
    where = " there" if paths else ""
    with_reason = f" with the reason {kind}; there are: {there_are}" if kinds else ""
    print_text(f"no file has failed{where}{with_reason}")
