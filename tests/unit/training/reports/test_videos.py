"""Figures per frame and per video."""

import math
from pathlib import Path

import numpy as np
import pytest

from training.config.recipes.reader import recipe_named
from training.data.manifest import Row
from training.evaluation import figures
from training.reports.videos import video_figures, videos_part
from worker.detector.checkpoints.card import Calibration, CheckpointCard
from worker.detector.faces.face import Input
from worker.detector.inference.picture_score import InputAnswer, score_picture, video_score


@pytest.fixture(autouse=True)
def _few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "DRAWS", 5)


@pytest.fixture(name="card")
def _card() -> CheckpointCard:
    return CheckpointCard("a", recipe_named("lite").network, Calibration(), 0.5, 0.5, "2026-11-26T10:00:00+00:00")


def row(number: int, label: int, video: str, source: str = "set") -> Row:
    return Row(Path(f"{number}.png"), label, source, "", "", video or str(number), "val", video)


def test_a_videos_score_is_the_mean_of_its_frames() -> None:
    """One bad frame in each video, so that frames are told apart worse than videos; a photograph counts in neither."""
    rows = [row(number, number // 6, f"clip{number // 3}") for number in range(12)] + [row(12, 0, "")]
    scores = np.asarray([0.1, 0.2, 0.9, 0.1, 0.2, 0.9, 0.8, 0.7, 0.05, 0.8, 0.7, 0.05, 1.0])

    found = video_figures(rows, scores)

    assert found is not None
    pooled = found["pooled"]
    assert (pooled["frames"], pooled["real"], pooled["fake"]) == (12, 2, 2)
    assert pooled["by_frame"]["auc"]["value"] == pytest.approx(16 / 36)
    assert pooled["by_video"]["auc"]["value"] == 1  # 0.4 and 0.4 against 0.517 twice
    assert found["sources"] == {"set": pooled}


def test_a_video_that_is_forged_for_a_moment_stands_out_as_scanned(card: CheckpointCard) -> None:
    """One frame of four: hidden in the mean, and the whole score where the highest quarter counts, as a scan has it."""
    forged, plain = [0.1, 0.1, 0.1, 0.9], [0.4, 0.4, 0.4, 0.4]
    rows = [row(number, number // 4, f"clip{number // 4}") for number in range(8)]

    found = video_figures(rows, np.asarray([*plain, *forged]))

    assert found is not None
    assert found["pooled"]["by_video"]["auc"]["value"] == 0
    assert found["pooled"]["by_scanned_video"]["auc"]["value"] == 1
    assert "| AUC per video, as scanned |" in videos_part(found)[-1]
    inputs = [Input(np.zeros((0, 0, 3), np.uint8), (0, 0, 0, 0), None, frame=number) for number in range(4)]
    answers = [InputAnswer(math.log(score / (1 - score))) for score in forged]
    assert score_picture(card, inputs, answers, is_video=True).score == pytest.approx(video_score(forged))


def test_videos_of_one_name_in_two_sources_are_two() -> None:
    rows = [row(0, 0, "clip", "a"), row(1, 1, "clip", "b"), row(2, 1, "other", "b")]

    found = video_figures(rows, np.asarray([0.1, 0.8, 0.9]))

    assert found is not None
    assert (found["pooled"]["real"], found["pooled"]["fake"]) == (1, 2)
    assert found["sources"]["a"] == {"frames": 1, "real": 1, "fake": 0}  # one label has no AUC
    text = videos_part(found)[-1]
    assert "| source | real videos | fake videos | frames | AUC per frame | AUC per video |" in text
    assert "| a | 1 | 0 | 1 | - | - |" in text


def test_photographs_alone_have_no_videos() -> None:
    assert video_figures([row(0, 0, ""), row(1, 1, "")], np.asarray([0.1, 0.9])) is None
