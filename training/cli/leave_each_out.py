"""`dfscan train --leave-out-each...`: one whole run without each source, or without the fakes of each generator."""

import hashlib
import json
import os
import re
import sys
from collections.abc import Mapping
from contextlib import redirect_stdout
from pathlib import Path
from statistics import fmean
from typing import Any, Literal

import click

from scanner.base.files import write_whole
from scanner.base.logs import print_text

from ..data.manifest import ManifestError, read_manifest
from ..evaluation.left_out import LeftOut, without
from ..records.run_notes import finished_checkpoint

FILE = "leave-one-out"
_SHOWN = {
    "auc": "AUC",
    "hit_rate": "fake called fake",
    "flagged_fake_rate": "fake flagged",
    "false_alarm_rate": "real called fake",
    "flagged_real_rate": "real flagged",
}


def leave_each_out(context: click.Context, kind: Literal["source", "generator"], *, resumes: bool) -> None:
    """Run the command of `context` once without each, in folders `without-NAME`, and print the table of what was left out.

    Runs that are finished are not done again, and where the recipe `resumes`, one that is not goes on.
    """
    from worker.detector.checkpoints.card import read_card

    asked, out = context.params, Path(context.params["out"])
    if os.environ.get("WORLD_SIZE", "1") != "1":
        raise click.UsageError("under torchrun leave out one thing at a time")
    if asked["from_reviews"] or asked["manifest_path"] is None or asked["seeds"]:
        raise click.UsageError("each is left out of a manifest (--data), without --from-reviews and --seeds")
    manifest, found, skipped = read_manifest(asked["manifest_path"]), dict[str, Any](), dict[str, str]()
    names = sorted(
        {row.source if kind == "source" else row.generator for row in manifest.rows if row.label or kind == "source"} - {""}
    )
    option = {"source": "leave_out", "generator": "leave_out_generator"}[kind]
    for number, name in enumerate(names, start=1):
        try:
            without(manifest, LeftOut(kind, name))
        except ManifestError as error:
            skipped[name] = str(error)
            print_text(f"{name} cannot be left out: {error}", err=True)
            continue
        folder = out / folder_name(name)
        print_text(f"without {name} ({number} of {len(names)})", err=True)
        if finished_checkpoint(folder) is None:
            own = {"leave_out_each": False, "leave_out_each_generator": False, option: name, "out": folder, "resume": resumes}
            with redirect_stdout(sys.stderr):  # where it says where each checkpoint is; ours is the table
                context.invoke(context.command, **{**asked, **own})
        checkpoint = finished_checkpoint(folder)
        if checkpoint is not None:
            found[name] = read_card(checkpoint).metrics.get("left_out") or {}
    document = {"kind": kind, "manifest_sha256": manifest.sha256, "left_out": found, "skipped": skipped, "mean": _mean(found)}
    write_whole(out / f"{FILE}.json", json.dumps(document, indent=2, allow_nan=False) + "\n")
    write_whole(out / f"{FILE}.md", table(document) + "\n")
    print_text(table(document))


def folder_name(name: str) -> str:
    """A folder's name for any source or generator; one that had to be changed ends with a hash of what it was."""
    plain = re.sub(r"[^\w.-]+", "-", name)[:60]
    return f"without-{plain}" + ("" if plain == name else f"-{hashlib.sha256(name.encode()).hexdigest()[:8]}")


def table(document: Mapping[str, Any]) -> str:
    """The Markdown: figures of each that was left out, by a detector that was trained without it, and their means."""
    lines = [[f"left out ({document['kind']})", "real", "fake", *_SHOWN.values()], ["---"] * (3 + len(_SHOWN))]
    for name, own in document["left_out"].items():
        cells = [_figure(own.get(measure)) for measure in _SHOWN]
        lines.append([" ".join(name.split()).replace("|", "\\|"), f"{own.get('real', 0):,}", f"{own.get('fake', 0):,}", *cells])
    means = [f"{document['mean'][measure]:.3f}" if measure in document["mean"] else "-" for measure in _SHOWN]
    lines.append(["mean", "", "", *means])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _mean(found: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    values = {measure: [own[measure]["value"] for own in found.values() if measure in own] for measure in _SHOWN}
    return {measure: fmean(each) for measure, each in values.items() if each}


def _figure(figure: Mapping[str, Any] | None) -> str:
    if figure is None:
        return "-"
    return f"{figure['value']:.3f}" + ("" if figure["low"] is None else f" [{figure['low']:.3f}, {figure['high']:.3f}]")
