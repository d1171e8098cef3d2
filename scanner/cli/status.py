"""`dfscan status`."""

import json
from dataclasses import asdict

import click

from ..settings import Settings
from .context import opened_database, pass_settings, utc_now


@click.command()
@click.option("--json", "as_json", is_flag=True)
@pass_settings
def status(settings: Settings, as_json: bool) -> None:
    """Backlog, workers and watched folders."""
    from ..printing import printable
    from ..standing import current_standing

    with opened_database(settings) as database:
        now = current_standing(database, utc_now())
    if as_json:
        click.echo(json.dumps(asdict(now), indent=2, default=lambda moment: moment.isoformat(timespec="seconds")))
        return
    click.echo("files    " + (", ".join(f"{count:,} {state}" for state, count in now.files.items()) or "none yet"))
    click.echo(f"backlog  {now.pending:,} pending, {now.leased:,} of them in work")
    for worker in now.workers:
        click.echo(f"worker   {worker.name}, model {worker.model}, {worker.device}")
    if not now.workers:
        click.echo("worker   none at work")
    for root in now.roots:
        swept = f"last swept {root.swept_at.astimezone():%Y-%m-%d %H:%M}" if root.swept_at else "never swept to the end"
        click.echo(f"watched  {printable(root.path)}, {swept}")
