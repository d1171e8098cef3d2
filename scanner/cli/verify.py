"""`dfscan verify` and `dfscan verify-report`."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..base.addresses.parameters import USER_PATH
from ..base.logs import print_text
from ..base.settings import Settings
from .context import opened_database, pass_settings

if TYPE_CHECKING:
    from ..services.verify import Proof

EXIT_UNEXPLAINED, EXIT_NOT_TOLD = 1, 2
EXIT_CHANGED = 1


@click.command()
@click.argument("paths", nargs=-1, type=USER_PATH)
@click.option("--json", "as_json", is_flag=True)
@pass_settings
def verify(settings: Settings, paths: tuple[str, ...], as_json: bool) -> None:
    """Walk PATHS (all watched folders without) and show that every image has a verdict, a pending job or a stated reason.

    Exit status: 0 every image is explained, 1 some is not, 2 it could not be told, as for a folder that is away.
    """
    from ..base.escape import in_shell, printable
    from ..roots.ledger import why_away
    from ..roots.roots import known_roots, outermost, root_of, roots_around
    from ..services.verify import NothingToVerify, prove

    with opened_database(settings) as database:
        roots = known_roots(database)
        asked = list(paths) or sorted(root.path for root in outermost(roots))
        if not asked:
            raise NothingToVerify("no folder is watched yet; name one: dfscan verify ~/Pictures")
        looked_for = {root: why_away(database, root) for root in roots_around(asked, roots)}
        away = {root: reason for root, reason in looked_for.items() if reason is not None}
        there = [path for path in asked if root_of(path, list(away)) is None]
        proof = prove(
            database,
            there,
            roots=[root.path for root in roots],
            ignore=settings.ignore,
            videos=settings.videos,
            spare=[root.id for root in away],
        )
    if as_json:
        unexplained = [vars(item) for item in proof.unexplained]
        not_told = [{"path": root.path, "reason": reason} for root, reason in away.items()]
        document = {"paths": asked, "files": proof.files, **vars(proof), "unexplained": unexplained, "away": not_told}
        click.echo(json.dumps(document, indent=1))
    else:
        print_text(_text(proof))
        for root, reason in away.items():
            print_text(f"away, so nothing is known of it: {printable(root.path)}: {reason}")
            print_text(f"    if it was deleted for good: dfscan watch --forget {in_shell(root.path)}")
    sys.exit(EXIT_UNEXPLAINED if proof.unexplained else EXIT_NOT_TOLD if away else 0)


def _text(proof: "Proof") -> str:
    from ..base.escape import escaped, printable

    lines = [f"{proof.verdict:>9,} with a verdict", f"{proof.pending:>9,} pending"]
    lines += [f"{count:>9,} failed: {kind}" for kind, count in proof.failed.most_common()]
    lines += [f"{count:>9,} skipped by rule: {escaped(rule)}" for rule, count in proof.skipped.most_common()]
    lines += [f"{proof.changed:>9,} changed since their verdict"] if proof.changed else []
    lines += [f"{len(proof.unexplained):>9,} unexplained", f"{proof.files:>9,} images on the disk"]
    lines += [f"{proof.gone:>9,} more in the database whose files are gone since"] if proof.gone else []
    return "\n".join([*lines, *(f"unexplained: {printable(item.path)}: {item.why}" for item in proof.unexplained)])


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
        print_text(f"{found.files:,} files of the report, {found.images:,} images")
        for problem in found.problems:
            print_text(f"changed: {problem}")
        for path in found.away:
            print_text(f"not at its place, so not checked: {printable(path)}")
        print_text(f"The sum of the sums is {found.manifest_sha256}: compare it with the one that was noted with the report")
    sys.exit(EXIT_CHANGED if found.problems else 0)
