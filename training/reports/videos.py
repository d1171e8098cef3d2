"""What a detector is worth on videos: figures per frame and per video side by side, as publications have either.

A video's score is the mean of its frames' scores (P(fake)), as DeepfakeBench has it. Scanning takes the mean of the highest
quarter, by which a video that is forged for some seconds only stands out: figures of that are beside it.
"""

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import Any

import numpy as np

from worker.detector.checkpoints.card_tables import figure_cell
from worker.detector.inference.picture_score import video_score

from ..data.manifest import Row
from ..evaluation import figures, metrics
from ..evaluation.bootstrap import Measure
from ..evaluation.logits import labels_of
from ..evaluation.weighted_metrics import Scores
from .breakdown import title_cell

_MEASURES: Mapping[str, Measure] = {
    "auc": metrics.auc.draws,
    "equal_error_rate": metrics.equal_error_rate.draws,
    "average_precision": metrics.average_precision.draws,
}


def video_figures(rows: Sequence[Row], scores: Scores) -> dict[str, Any] | None:
    """AUC, EER and AP of frames and of videos, `pooled` and by source, JSON-ready; None where no row is of a video.

    A figure is {"value", "low", "high"}, bootstrapped by group. Rows that are of no video are left out of both, and a source of
    one label has counts alone.
    """
    is_frame = np.asarray([bool(row.video) for row in rows])
    frames, scores = [row for row in rows if row.video], scores[is_frame]
    if not frames:
        return None
    sources: dict[str, list[int]] = {}
    for number, row in enumerate(frames):
        sources.setdefault(row.source, []).append(number)
    by_source = {
        source: _side_by_side([frames[number] for number in chosen], scores[chosen]) for source, chosen in sorted(sources.items())
    }
    return {"pooled": _side_by_side(frames, scores), "sources": by_source}


def videos_part(found: Mapping[str, Any]) -> list[str]:
    """Figures per frame and per video side by side, as paragraphs of Markdown."""
    columns = {"auc": "AUC", "equal_error_rate": "EER", "average_precision": "AP"}
    titles = [f"{title} per {unit}" for title in columns.values() for unit in ("frame", "video")]
    titles.append("AUC per video, as scanned")
    lines = [["source", "real videos", "fake videos", "frames", *titles], ["---"] * (4 + len(titles))]
    for name, own in {"all": found["pooled"], **found["sources"]}.items():
        cells = [figure_cell(own.get(unit, {}).get(column)) for column in columns for unit in ("by_frame", "by_video")]
        cells.append(figure_cell(own.get("by_scanned_video", {}).get("auc")))
        lines.append([title_cell(name), f"{own['real']:,}", f"{own['fake']:,}", f"{own['frames']:,}", *cells])
    return [
        "## Videos",
        "A video's score is the mean of its frames' scores; as scanned, of the highest quarter of them. Pictures that are of no "
        "video do not count here.",
        "\n".join(f"| {' | '.join(cells)} |" for cells in lines),
    ]


def per_video(
    frames: Sequence[Row], scores_F: Scores, of: Callable[[Sequence[float]], float] = fmean
) -> tuple[Sequence[Row], Scores]:
    """Of F frames and their V videos: a frame of each video, which says what it is of, and its score `of` its frames' scores."""
    scores_of: dict[tuple[str, str], list[float]] = {}
    row_of: dict[tuple[str, str], Row] = {}
    for row, score in zip(frames, scores_F.tolist(), strict=True):
        scores_of.setdefault((row.source, row.video), []).append(score)
        row_of[row.source, row.video] = row
    return list(row_of.values()), np.asarray([of(scores) for scores in scores_of.values()])


def _side_by_side(frames: Sequence[Row], scores_F: Scores) -> dict[str, Any]:
    """Of F frames and their V videos."""
    one_of_each, means_V = per_video(frames, scores_F)
    scanned_V = per_video(frames, scores_F, video_score)[1]
    labels_V = labels_of(one_of_each)
    found = {"frames": len(frames), "real": int((labels_V == 0).sum()), "fake": int((labels_V == 1).sum())}
    if not found["real"] or not found["fake"]:
        return found
    groups, groups_V = [row.group for row in frames], [row.group for row in one_of_each]
    return {
        **found,
        "by_frame": figures.measured(_MEASURES, labels_of(frames), scores_F, groups, figures.DRAWS),
        "by_video": figures.measured(_MEASURES, labels_V, means_V, groups_V, figures.DRAWS),
        "by_scanned_video": figures.measured(_MEASURES, labels_V, scanned_V, groups_V, figures.DRAWS),
    }
