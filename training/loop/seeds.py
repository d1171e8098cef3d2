"""The same run with several seeds: a folder for each, and one file that says what their figures are on average."""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from scanner.base.files import write_whole
from worker.detector.checkpoints.card import CheckpointCard, CheckpointError, read_card

from .estimate import PRECISION_FILE
from .run_state import holds_run
from .stages.request import Run, UnfinishedRun, as_begun, prepare_folder

FILE = "seeds.json"
# What the table shows; the file has all figures.
_SHOWN = {
    "auc": "AUC",
    "equal_error_rate": "EER",
    "average_precision": "AP",
    "accuracy_raw": "accuracy at 0.5, raw",
    "actual_dcf_raw": "act-DCF at 0.5, raw",
    "hit_rate": "fake called fake",
    "false_alarm_rate": "real called fake",
    "left_out_auc": "AUC of what was left out",
}

# What a run settles for itself: the card has what it came to.
_SETTLED = ("autocast", "patience", "plateau")


def seed_folders(out: Path, first: int, count: int) -> dict[int, Path]:
    """By seed the folder of its run: the recipe's seed, and those that follow it."""
    return {seed: out / f"seed-{seed}" for seed in range(first, first + count)}


def prepare_seeds(out: Path, first: int, count: int, *, resume: bool) -> None:
    """Make the folders of the runs. Raises UnfinishedRun where there are some that are not to go on, or a run without seeds."""
    if holds_run(out):
        raise UnfinishedRun(f"{out} holds a run of one seed; choose another --out")
    prepare_folder(out, resume=True)
    for folder in seed_folders(out, first, count).values():
        prepare_folder(folder, resume=resume)


def run_seeds(
    run: Run, count: int, trained: Callable[[Run], Path | None], say: Callable[[str], None], *, leaves_out: bool
) -> Path | None:
    """Train once with each of `count` seeds; returns the file of the summary, in the leading process.

    Runs that are finished are not done again, and one that is not goes on: `trained` does one run, and measures a source that is
    left out where the run `leaves_out` one. The first run's choice of the precision is that of all: only the seed differs.
    """
    plan, team, paths = run.recipe.plan, run.team, dict[int, Path]()
    folders = seed_folders(run.folder, plan.seed, count)
    for number, (seed, folder) in enumerate(folders.items(), start=1):
        own = as_begun(replace(run, folder=folder, recipe=replace(run.recipe, plan=replace(plan, seed=seed))), say)
        done = team.agree(_is_finished(own, leaves_out=leaves_out) if team.leads else False)
        say(f"seed {seed} ({number} of {count})" + (": finished" if done else ""))
        chosen = folders[plan.seed] / PRECISION_FILE
        if team.leads and chosen.is_file() and not (folder / PRECISION_FILE).exists():
            shutil.copyfile(chosen, folder / PRECISION_FILE)
        path = _checkpoint(own) if done else trained(own)
        if path:
            paths[seed] = path
    if not team.leads:
        return None
    document = summary({seed: read_card(path) for seed, path in paths.items()})
    written = run.folder / FILE
    write_whole(written, json.dumps(document, indent=1, allow_nan=False) + "\n")
    say(summary_text(document))
    return written


def summary(cards: Mapping[int, CheckpointCard]) -> dict[str, Any]:
    """Figures by seed, and of those that all have the mean and the standard deviation (of a sample: n - 1), JSON-ready."""
    by_seed = {seed: _figures(card) for seed, card in cards.items()}
    common = [name for name in next(iter(by_seed.values())) if all(name in found for found in by_seed.values())]
    values = {name: [found[name] for found in by_seed.values()] for name in common}
    first = next(iter(cards.values()))
    return {
        "recipe": first.recipe.name,
        "manifest_sha256": first.training.get("manifest_sha256"),
        "split": first.metrics.get("split"),
        "seeds": {str(seed): found for seed, found in by_seed.items()},
        "mean": {name: fmean(found) for name, found in values.items()},
        "deviation": {name: stdev(found) for name, found in values.items()},
    }


def summary_text(document: Mapping[str, Any]) -> str:
    """Mean and deviation of what matters most, a line each."""
    seeds: Sequence[str] = list(document["seeds"])
    lines = [f"{document['recipe']}, split {document['split']}, {len(seeds)} seeds ({', '.join(seeds)}): mean, deviation"]
    for name, title in _SHOWN.items():
        if name in document["mean"]:
            lines.append(f"  {title}: {document['mean'][name]:.4f}, {document['deviation'][name]:.4f}")
    return "\n".join(lines)


def _figures(card: CheckpointCard) -> dict[str, float]:
    pooled = {name: found["value"] for name, found in card.metrics["pooled"].items() if isinstance(found, Mapping)}
    left_out = card.metrics.get("left_out", {})
    return {**pooled, **({"left_out_auc": left_out["auc"]["value"]} if "auc" in left_out else {})}


def _checkpoint(run: Run) -> Path:
    return run.folder / f"{run.recipe.network.name}.safetensors"


def _is_finished(run: Run, *, leaves_out: bool) -> bool:
    """Whether the checkpoint of this run is there, and measured; another run's in its place is `trained`'s to refuse."""
    try:
        card = read_card(_checkpoint(run))
    except CheckpointError:
        return False
    plan = json.loads(json.dumps(asdict(run.recipe.plan)))
    known = card.training.get("plan", {})
    same = all(known.get(name) == value for name, value in plan.items() if name not in _SETTLED)
    measured = "pooled" in card.metrics and ("left_out" in card.metrics or not leaves_out)
    return same and measured and card.training.get("manifest_sha256") == run.manifest.sha256
