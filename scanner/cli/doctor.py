"""`dfscan doctor`."""

import json
import sys

import click

from ..base.settings import Settings
from .context import pass_settings

EXIT_UNWELL = 1
_COLOURS = {"good": "green", "poor": "yellow", "bad": "red"}


@click.command()
@click.option("--json", "as_json", is_flag=True)
@click.option("--selftest", is_flag=True, help="Also put faults into a temporary installation on this machine; takes minutes.")
@pass_settings
def doctor(settings: Settings, as_json: bool, selftest: bool) -> None:
    """What is wrong with this machine, and what mends it.

    Exit status: 0 nothing is bad, 1 something is (or a trial of the self-test failed).
    """
    from ..base.escape import escaped
    from ..ops.doctor import Health, examine

    findings, trials, unwell = [], [], False
    for finding in examine(settings):
        findings.append(vars(finding))
        unwell = unwell or finding.health is Health.BAD
        if not as_json:
            click.echo(
                f"{click.style(f'{finding.health:5}', fg=_COLOURS[finding.health])} {finding.name:15} {escaped(finding.what)}"
            )
            if finding.health is not Health.GOOD:
                click.echo(f"{'':22}{escaped(finding.mend)}")
    if selftest:
        from ..ops.self_test import self_test

        for trial in self_test():
            trials.append(vars(trial))
            unwell = unwell or not trial.passed
            if not as_json:
                word = click.style("pass ", fg="green") if trial.passed else click.style("FAIL ", fg="red")
                click.echo(f"{word} {trial.name:34} {escaped(trial.detail)}")
    if as_json:
        click.echo(json.dumps({"findings": findings, "trials": trials}, indent=1))
    sys.exit(EXIT_UNWELL if unwell else 0)
