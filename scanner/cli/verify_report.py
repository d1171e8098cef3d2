"""`dfscan verify-report`."""

import json
import sys
from pathlib import Path

import click

from .context import USER_PATH

EXIT_CHANGED = 1


@click.command("verify-report")
@click.argument("folder", type=USER_PATH)
@click.option("--json", "as_json", is_flag=True)
def verify_report(folder: str, as_json: bool) -> None:
    """Check an evidence report: that none of its files, and none of the images it is about, was changed since.

    Exit status: 0 nothing was changed, 1 something was, 2 there is no report. Images that are no longer at their place are named.
    """
    from ..base.escape import printable
    from ..review.evidence_report.manifest import verify_report as check

    found = check(Path(folder))
    if as_json:
        click.echo(json.dumps({"folder": folder, **vars(found)}, indent=1))
    else:
        click.echo(f"{found.files:,} files of the report, {found.images:,} images")
        for problem in found.problems:
            click.echo(f"changed: {problem}")
        for path in found.away:
            click.echo(f"not at its place, so not checked: {printable(path)}")
        click.echo(f"The sum of the sums is {found.manifest_sha256}: compare it with the one that was noted with the report")
    sys.exit(EXIT_CHANGED if found.problems else 0)
