"""The notes that a command leaves in the folder of its run."""

from pathlib import Path
from typing import TYPE_CHECKING

from scanner.base.files import write_whole

from ..data.manifest import Manifest, by_collection
from ..records.readme import seeds_text
from ..records.run_notes import RunFacts, RunNotes, own_readme

if TYPE_CHECKING:
    from ..config.recipes.reader import HeadsRecipe, TrainingRecipe


def notes_of(
    recipe: "TrainingRecipe | HeadsRecipe",
    manifest: Manifest,
    folder: Path,
    *,
    named: Path | None,
    start: Path | None,
    device: str,
    processes: int = 1,
    left_out: str = "",
) -> RunNotes:
    """The notes of a run on `manifest`, which was read from the file `named`; nothing is written yet."""
    from ..config.recipes.reader import TrainingRecipe
    from ..config.recipes.writer import recipe_text

    pictures: dict[str, dict[str, int]] = {}
    for row in manifest.rows:
        counts = pictures.setdefault(row.split, {"real": 0, "fake": 0})
        counts["fake" if row.label else "real"] += 1
    first = recipe.plan.first if isinstance(recipe, TrainingRecipe) else None
    facts = RunFacts(
        recipe.network.name,
        recipe.plan.seed,
        str(named) if named else "",
        manifest.sha256,
        pictures,
        tuple(sorted({row.source for row in by_collection(manifest.rows)})),
        str(start) if start else "public weights",
        device,
        processes,
        recipe.plan.epochs if isinstance(recipe, TrainingRecipe) else None,
        left_out,
        {"branches": list(first.branches), "epochs": first.epochs} if first else None,
    )
    return RunNotes(folder, facts, recipe_text(recipe))


def write_seeds_readme(out: Path, recipe: str, folders: list[Path], summary: Path | None) -> None:
    """The README of several seeds; with the file of their `summary` when all are finished."""
    import json

    from ..loop.seeds import summary_text

    text = summary_text(json.loads(summary.read_bytes())) if summary else None
    write_whole(own_readme(out), seeds_text(recipe, folders, text))
