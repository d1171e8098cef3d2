"""An evaluation as one JSON document, one Markdown report and plots, in a folder."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from scanner.base.errors import KnownError
from scanner.base.files import try_writing, write_whole
from worker.detector.checkpoints.card_tables import anchors_table, figures_table, further_tables, sources_table
from worker.detector.checkpoints.card_text import robustness_parts
from worker.detector.combined.scorer import AnyScorer

from ..data.manifest import Row, sources_of
from ..evaluation.doubts import doubts_about
from ..evaluation.figures import figures
from ..evaluation.published_results import anchors_beside
from ..evaluation.robustness import robustness
from ..evaluation.weighted_metrics import Scores
from .breakdown import breakdown, breakdown_parts
from .model_comparison import difference_text
from .plots import draw_plots, scored
from .predictions import Predictions, write_predictions
from .scoring import Subject, predictions_of
from .videos import video_figures, videos_part
from .worst import worst_page

_FILES = ("evaluation.json", "evaluation.md")
_TITLES = {"roc": "ROC", "det": "DET", "reliability": "Reliability", "scores": "Scores per source"}


class ReportUnwritable(KnownError):
    """The folder for the report cannot be written, or holds one already."""


@dataclass(frozen=True)
class Evaluation:
    """Predictions, and the JSON-ready `document` that says what they are worth."""

    predictions: Predictions
    document: Mapping[str, Any]

    @property
    def rows(self) -> Sequence[Row]:
        """What was measured on."""
        return self.predictions.rows

    @property
    def scores(self) -> Scores:
        """Calibrated, in the order of the rows."""
        return self.predictions.scores


def evaluation_of(
    predictor: AnyScorer,
    rows: Sequence[Row],
    subject: Subject,
    now: datetime,
    *,
    with_robustness: bool,
    with_faces: bool = False,
    report: Callable[[int, int], None],
    processes: int = 0,
) -> Evaluation:
    """Score `rows` and measure; with `with_robustness` under all conditions too, which takes a dozen times as long.

    With `with_faces` a picture is scored as in scanning, by the faces in it; else it is taken for a face crop as it is.

    `report(done, all)` counts images of the robustness table. Raises ManifestError for a picture that cannot be read.
    """
    found = predictions_of(predictor, rows, subject, with_faces=with_faces, processes=processes)
    document = dict(evaluation_of_predictions(found, now).document)
    if with_robustness:
        document["robustness"] = robustness(predictor, rows, processes=processes, report=report)
    return Evaluation(found, document)


def evaluation_of_predictions(found: Predictions, now: datetime) -> Evaluation:
    """Measure what a detector said earlier: the same figures as when it said it."""
    rows, origin, scanned = found.rows, found.origin, found.scanned
    document = {
        "checkpoint": dict(origin.checkpoint),
        "manifest": {**origin.manifest, "sources": sources_of(rows)},
        "split": origin.split,
        "evaluated_at": now.isoformat(timespec="seconds"),
        "versions": dict(origin.versions),
        "figures": figures(
            rows,
            found.scores,
            origin.threshold,
            origin.band_low,
            prior=origin.prior,
            raw=found.logits,
            calibrated_here=origin.calibrated_here,
        ),
        "anchors": anchors_beside(rows, origin.split),
    }
    if scanned:
        document["faces"] = {"pictures": len(rows), "without": int((~scanned.have_faces).sum())}
        document["breakdown"] = breakdown(rows, scanned, origin.threshold, origin.band_low)
    if videos := video_figures(rows, found.scores):
        document["videos"] = videos
    return Evaluation(found, document)


def refuse_earlier_report(folder: Path) -> None:
    """Raises ReportUnwritable when `folder` holds a report: figures that were measured once are not lost by the way."""
    if earlier := next((path for name in _FILES if (path := folder / name).exists()), None):
        raise ReportUnwritable(f"{earlier} is an earlier report; choose another --out, or overwrite it with --force")


def prepare_report(folder: Path, *, replace: bool) -> None:
    """Make the folder and try to write there, before hours of measuring. Raises ReportUnwritable."""
    if not replace:
        refuse_earlier_report(folder)
    try:
        try_writing(folder)
    except OSError as error:
        raise ReportUnwritable(f"{folder} cannot be written: {error.strerror}; choose another --out") from None


def write_report(evaluation: Evaluation, folder: Path, *, replace: bool = False) -> Path:
    """Write `evaluation.json`, `evaluation.md`, the plots, the predictions and the worst errors into `folder`.

    Returns the Markdown's path.

    Raises ReportUnwritable, for an earlier report there unless it is to be replaced, too.
    """
    if not replace:
        refuse_earlier_report(folder)
    cuts = evaluation.document["figures"]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        drawn = draw_plots(scored(evaluation.rows, evaluation.scores, cuts["threshold"], cuts["band_low"]), folder)
        document = {**evaluation.document, "plots": {name: path.name for name, path in drawn.items()}}
        write_predictions(folder / "predictions.csv", evaluation.predictions)
        write_whole(folder / "worst.html", worst_page(evaluation.predictions))
        write_whole(folder / "evaluation.json", json.dumps(document, indent=2, allow_nan=False) + "\n")
        path = folder / "evaluation.md"
        write_whole(path, report_text(document) + "\n")
    except OSError as error:
        raise ReportUnwritable(f"the report cannot be written to {folder}: {error.strerror}; choose another folder") from None
    return path


def report_text(document: Mapping[str, Any]) -> str:
    """The Markdown report; it links the document's plots by their file names."""
    checkpoint, manifest, found = document["checkpoint"], document["manifest"], document["figures"]
    parts = [
        f"# {checkpoint['name']} on {manifest['file']}, split `{document['split']}`",
        f"Checkpoint `{checkpoint['file']}`, sha256 `{checkpoint['sha256']}`, made {checkpoint['created_at']}. "
        f"Manifest sha256 `{manifest['sha256']}`. Evaluated {document['evaluated_at']}.",
        f"From {found['threshold']:.3f} on a score is called fake, from {found['band_low']:.3f} on uncertain, below that real.",
        sources_table(manifest["sources"]),
        *_faces_part(document.get("faces")),
        "## Figures",
        "95 % bootstrap intervals by group in brackets.",
        figures_table(found),
        *further_tables(found),
        *(f"**Warning:** {doubt}." for doubt in doubts_about(found)),
        *(["## Groups of pictures", *breakdown_parts(groups)] if (groups := document.get("breakdown")) else []),
        *(videos_part(videos) if (videos := document.get("videos")) else []),
        "## Beside published figures",
        anchors_table(found, document["anchors"]),
    ]
    if compared := document.get("compared"):
        parts += ["## Beside another detector", difference_text(compared)]
    if under := document.get("robustness"):
        parts += ["## Robustness", *robustness_parts(under)]
    if plots := document.get("plots"):
        parts += ["## Plots", *(f"![{_TITLES[name]}]({file})" for name, file in plots.items())]
    return "\n\n".join(parts)


def _faces_part(faces: Mapping[str, int] | None) -> list[str]:
    if faces is None:
        return []
    return [
        "Scored by the faces in the pictures, as in scanning. "
        f"In {faces['without']:,} of {faces['pictures']:,} pictures none was found that is large enough: their scores, of "
        "the whole picture, count here, while scanning flags none of them unless the checkpoint was made for whole images."
    ]
