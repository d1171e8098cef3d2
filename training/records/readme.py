"""The README of a run's folder: what was run, on which data, how far it is, how to go on, how to measure it."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

# How a README says that it may be written anew.
MARK = "<!-- Written by dfscan train, and written anew as the run goes on. -->"
_TITLES = {"auc": "AUC", "loss": "loss", "accuracy": "accuracy", "eer": "EER", "dcf": "DCF"}
_FILES = {
    "run.json": "These notes, for programs: each start with its command and environment, the figures of each epoch",
    "resolved-recipe.toml": "The recipe with all fields as they were in force; `--recipe` takes it",
    "first": "The state of the first stage; may be deleted when the run is finished",
    "resume.pt": "The state to go on from; may be deleted when the run is finished",
    "tensorboard": "Loss, learning rate and figures: `tensorboard --logdir`",
    "precision.json": "Which precision was quicker on this processor",
    "leaks-checked.json": "That the manifest was checked for copies in several splits",
    "heads.json": "All figures of heads",
    "leave-one-out.md": "Sources left out in turn",
}


def readme_text(run: Mapping[str, Any], folder: Path) -> str:
    """The Markdown, from the document in `run.json`."""
    first, last = run["starts"][0], run["starts"][-1]
    parts = [
        f"{MARK}\n# A run of recipe `{run['recipe']}`",
        _state(run),
        "## What was run",
        _table(("", ""), _facts(run, first, last)),
        *_epochs(run),
        "## Go on, measure, use",
        f"```sh\n{_commands(run, folder, last['command'])}\n```",
        "## Files",
        _table(("file", "what"), [(f"`{name}`", said) for name, said in _FILES.items() if (folder / name).exists()]),
    ]
    return "\n\n".join(parts) + "\n"


def seeds_text(recipe: str, folders: Sequence[Path], summary: str | None) -> str:
    """The README beside the runs of several seeds; `summary` is what they came to, None while they are not all done."""
    parts = [
        f"{MARK}\n# Runs of recipe `{recipe}` with {len(folders)} seeds",
        "The runs, each with a README of its own: " + ", ".join(f"[{each.name}]({each.name}/)" for each in folders) + ".",
        f"All are finished; `seeds.json` has all figures.\n\n```text\n{summary}\n```"
        if summary
        else "They are not all finished: the same command with `--resume` goes on.",
        "`dfscan matrix FOLDER --data MANIFEST` measures them together: mean and deviation by source.",
    ]
    return "\n\n".join(parts) + "\n"


def _state(run: Mapping[str, Any]) -> str:
    done, first = len(run["figures"]), run.get("first")
    if run["checkpoint"]:
        return f"Finished {run['updated']}: `{run['checkpoint']}`."
    how_far = f"{done} of {run['epochs']} epochs are done" if run["epochs"] else "It has no checkpoint yet"
    if first and len(run["first_figures"]) < first["epochs"] and not done:
        how_far = f"{len(run['first_figures'])} of {first['epochs']} epochs of the first stage are done"
    return f"Not finished. {how_far}; noted {run['updated']}."


def _facts(run: Mapping[str, Any], first: Mapping[str, Any], last: Mapping[str, Any]) -> list[tuple[str, str]]:
    where = last["environment"]
    counts = [f"{split}: {of['real']:,} real, {of['fake']:,} fake" for split, of in run["pictures"].items()]
    libraries = ", ".join(f"{name} {version}" for name, version in where["libraries"].items())
    return [
        ("command", f"`{last['command']}` in `{last['folder']}`"),
        ("recipe", f"`{run['recipe']}`, all fields in `resolved-recipe.toml`"),
        ("data", f"`{run['manifest'] or 'reviews'}`, sha256 `{run['manifest_sha256']}`"),
        *([("stages", _stages(run["first"], run["epochs"]))] if run.get("first") else []),
        ("pictures", "; ".join(counts)),
        ("sources", ", ".join(run["sources"])),
        *([("left out", run["left_out"])] if run["left_out"] else []),
        ("started from", run["started_from"]),
        ("seed", str(run["seed"])),
        ("began", first["at"] + (f", went on {len(run['starts']) - 1} times" if len(run["starts"]) > 1 else "")),
        ("program", f"dfscan {where['dfscan']}, commit {where['commit'] or 'not known'}"),
        ("libraries", f"Python {where['python']}, {libraries}"),
        ("machine", f"{run['processes']} x {run['device']}, {where['system']}, {where['machine']}"),
    ]


def _stages(first: Mapping[str, Any], epochs: int) -> str:
    alone = ", ".join(first["branches"])
    return f"first {alone} alone, at most {first['epochs']} epochs; then the head on all branches, at most {epochs}"


def _epochs(run: Mapping[str, Any]) -> list[str]:
    found: list[str] = []
    for title, key in (("epoch of the first stage", "first_figures"), ("epoch", "figures")):
        if of_stage := run.get(key):
            names = [name for name in _TITLES if name in of_stage[0]]
            rows = [(str(number), *(f"{own[name]:.4f}" for name in names)) for number, own in enumerate(of_stage, start=1)]
            found += [f"## Figures after each {title}", _table(("epoch", *(_TITLES[name] for name in names)), rows)]
    return found


def _commands(run: Mapping[str, Any], folder: Path, command: str) -> str:
    where, data = shlex.quote(str(folder)), shlex.quote(run["manifest"] or "MANIFEST.csv")
    checkpoint = shlex.quote(str(folder / (run["checkpoint"] or f"{run['recipe']}.safetensors")))
    again = command if "--resume" in command or run["epochs"] is None else f"{command} --resume"
    return "\n".join(
        [
            *([] if run["checkpoint"] else [f"{again}   # goes on"]),
            f"dfscan evaluate {checkpoint} --data {data} --out {shlex.quote(str(folder / 'report'))}",
            f"dfscan model import {checkpoint} --name {shlex.quote(folder.name)}",
            *([f"tensorboard --logdir {where}"] if run["epochs"] else []),
        ]
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *([" ".join(cell.replace("|", "\\|").split()) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
