"""What a run will cost, said before it begins, and how many processes load pictures in each of its stages."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from ...data.feeding.decoded_cache import announced as decoded_pictures
from ..estimate import Forecast, forecast
from ..frozen_embeddings import announced, announced_for_later, lines_of
from ..run_log import duration
from .fixed_branches import fixed
from .stage import Stage, kept_of

_RESUMES = "if nothing else runs; --resume goes on after an interruption"


def planned(stages: Sequence[Stage], say: Callable[[str], None]) -> list[Stage]:
    """The one or two stages with their loading processes, the same in every process; the leader measures, and says it.

    Raises CacheUnusable where embeddings of a second one would find no room.
    """
    last, team, loaders = stages[-1], stages[-1].run.team, list[int]()
    if team.leads:
        say(_what(stages))
        if last.frozen:
            say(announced(last.frozen))
        if last.decoded:
            say(decoded_pictures(last.decoded.cache, len(last.rows)))
        found = _of_one(last, say) if len(stages) == 1 else _of_two(stages[0], last, say)
        loaders = [each.loaders for each in found]
    counts = team.agree(loaders)
    return [replace(stage, run=replace(stage.run, loader_processes=count)) for stage, count in zip(stages, counts, strict=True)]


def _what(stages: Sequence[Stage]) -> str:
    first, last = stages[0].run.recipe, stages[-1].run.recipe
    team, epochs = stages[-1].run.team, f"{last.plan.epochs} epochs"
    if len(stages) > 1:
        alone = ", ".join(first.network.branches)
        epochs = f"{alone} alone for {first.plan.epochs} epochs, then a head on all branches for {epochs}"
    return f"{last.network.name} on {len(stages[-1].rows):,} images, {epochs}, {team.size} x {team.device}"


def _of_one(stage: Stage, say: Callable[[str], None]) -> list[Forecast]:
    run, frozen = stage.run, stage.frozen
    missing = len(frozen.numbers) - frozen.known if frozen else 0
    found = forecast(stage.detector, stage.rows, run.recipe, run.team, run.loader_processes, frozen, missing, stage.decoded)
    say(f"{found.steps:,} steps, about {duration(found.seconds)} {_RESUMES}")
    say(found.bound)
    return [found]


def _of_two(first: Stage, second: Stage, say: Callable[[str], None]) -> list[Forecast]:
    """The second one's embeddings are counted as missing: its branches are not trained yet."""
    found, plan = [], second.run.recipe.plan
    for stage in (first, second):
        run, missing = stage.run, 0
        with fixed(second.detector, plan.first.branches if plan.first and stage is second else ()):
            kept = kept_of(stage)
            if kept and run.cache:
                missing = lines_of(plan, stage.rows)
                say(f"{stage.said}{announced_for_later(kept, missing, run.cache)}")
            each = forecast(stage.detector, stage.rows, run.recipe, run.team, run.loader_processes, kept, missing, stage.decoded)
        say(f"{stage.said}{each.steps:,} steps, about {duration(each.seconds)}, {each.bound}")
        found.append(each)
    say(f"both stages: about {duration(sum(each.seconds for each in found))} {_RESUMES}")
    return found
