"""`dfscan matrix`: from networks, and again from what they said."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from files.onnx_networks import colour_network, written_card, written_network

from scanner.base.settings import Settings
from training.cli.matrix import matrix
from training.data.manifest import Row, write_manifest
from training.evaluation import figures
from worker.detector.imported.importing import import_onnx


def run(tmp_path: Path, *arguments: str | Path, exit_status: int = 0) -> Result:
    done = CliRunner().invoke(matrix, [str(argument) for argument in arguments], obj=Settings(tmp_path / "data"))
    assert done.exit_code == exit_status, done.output
    return done


def test_from_checkpoints_and_again_from_predictions(
    tmp_path: Path, rows: Sequence[Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figures, "DRAWS", 5)
    for name, model in (("bright", colour_network(((4.0, 4.0, 4.0),))), ("red", colour_network())):
        source, card = written_network(tmp_path / f"{name}.onnx", model), written_card(tmp_path / "card.toml")
        import_onnx(source, card, tmp_path / "data", name=name, sha256=None, now=datetime(2026, 11, 26, tzinfo=UTC))
    write_manifest(tmp_path / "frames.csv", [replace(row, video=row.group, source="frames") for row in rows[:10]])
    write_manifest(tmp_path / "photos.csv", [replace(row, source="photos") for row in rows[10:]])
    data = ("--data", tmp_path / "frames.csv", "--data", tmp_path / "photos.csv", "--split", "train")

    first = json.loads(run(tmp_path, "bright", "red", *data, "--out", tmp_path / "out", "--json").stdout)

    assert first["tested_on"] == ["frames", "photos"]
    assert [line["name"] for line in first["detectors"]] == ["bright", "red"]
    assert first["detectors"][0]["cells"]["frames"]["video"]["auc"]["value"] == pytest.approx(1)
    assert first["detectors"][0]["cells"]["photos"]["video"] is None
    kept = sorted((tmp_path / "out" / "predictions").iterdir())
    assert len(kept) == 4
    again = run(tmp_path, *kept, "--json").stdout
    assert json.loads(again) == first
    assert json.loads((tmp_path / "out" / "matrix-by-source.json").read_text(encoding="utf-8")) == first
    folder = json.loads(run(tmp_path, tmp_path / "data" / "models", *data, "--json").stdout)  # all that is in it
    assert [line["mean"] for line in folder["detectors"]] == [line["mean"] for line in first["detectors"]]
    for measure, said in (("auc", "AUC per video"), ("eer", "EER per frame")):
        assert said in run(tmp_path, *kept, "--measure", measure).stdout

    for wrong in (("bright",), (kept[0], *data)):  # a checkpoint without data, data without a checkpoint
        run(tmp_path, *wrong, exit_status=2)
    (tmp_path / "empty").mkdir()
    assert "holds no checkpoint" in str(
        CliRunner().invoke(matrix, [str(tmp_path / "empty"), "--data", "m.csv"], obj=Settings(tmp_path / "data")).exception
    )
