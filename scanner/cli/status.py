"""`dfscan status`."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from ..base.logs import print_text
from ..base.settings import Settings
from .context import opened_database, pass_settings

if TYPE_CHECKING:
    from ..roots.roots import WatchedRoot


@click.command()
@click.option("--json", "as_json", is_flag=True)
@pass_settings
def status(settings: Settings, as_json: bool) -> None:
    """Backlog, workers and watched folders."""
    from ..base.escape import escaped, printable
    from ..ops.status import current_status

    with opened_database(settings) as database:
        now = current_status(database, database.now())
    if as_json:
        click.echo(json.dumps(asdict(now), indent=2, default=lambda moment: moment.isoformat(timespec="seconds")))
        return
    print_text("files    " + (", ".join(f"{count:,} {state}" for state, count in now.files.items()) or "none yet"))
    print_text(f"backlog  {now.pending:,} pending, {now.leased:,} of them in work")
    for worker in now.workers:
        trouble = f"; waits: {escaped(worker.trouble)}" if worker.trouble else ""
        print_text(f"worker   {worker.name}, model {worker.model}, {worker.device}{trouble}")
    if not now.workers:
        print_text("worker   none at work")
    print_text(f"watch    process {now.watch.pid} on {now.watch.host}" if now.watch else "watch    not running")
    for root in now.roots:
        print_text(f"watched  {printable(root.path)}: {_watched_how(root)}")


def _watched_how(root: "WatchedRoot") -> str:
    if root.paused_reason:
        return f"paused, and nothing in it is marked: {root.paused_reason}"
    how = {"events": "by events and sweeps", "polled": f"polled ({root.mode_reason})"}.get(root.mode or "", "not watched yet")
    swept = f"last swept {root.swept_at.astimezone():%Y-%m-%d %H:%M}" if root.swept_at else "never swept to the end"
    found = f"{root.found_by_events:,} found by events, {root.found_by_sweep:,} only by a sweep"
    return f"{how}; {swept}; {found}; {root.overflows:,} overflows"
