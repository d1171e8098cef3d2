"""`dfscan evaluate`: from a network, and again from what it said."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from files.onnx_networks import colour_network, written_card, written_network

from scanner.base.settings import Settings
from training.cli.evaluate import evaluate
from training.data.manifest import Row, write_manifest
from worker.detector.imported.importing import import_onnx

Run = Callable[..., Result]
BRIGHT = ((4.0, 4.0, 4.0),)


@pytest.fixture(name="run")
def _run(tmp_path: Path, rows: Sequence[Row]) -> Run:
    """`dfscan evaluate`, with networks `bright` and `red`, and the manifest of `rows` in `m.csv`."""
    now = datetime(2026, 11, 26, tzinfo=UTC)
    for name, model in (("bright", colour_network(BRIGHT)), ("red", colour_network())):
        source = written_network(tmp_path / f"{name}.onnx", model)
        card = written_card(tmp_path / "card.toml", "[score]", "threshold = 0.998", "offset = -2.0")
        import_onnx(source, card, tmp_path / "data", name=name, sha256=None, now=now)
    write_manifest(tmp_path / "m.csv", rows)

    def run(*arguments: str | Path, exit_status: int = 0) -> Result:
        done = CliRunner().invoke(evaluate, [str(argument) for argument in arguments], obj=Settings(tmp_path / "data"))
        assert done.exit_code == exit_status, done.output
        return done

    return run


def figures(done: Result) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(done.stdout)
    return {name: value for name, value in document.items() if name != "evaluated_at"}


@pytest.mark.parametrize(("name", "faces"), [("p.csv", []), ("p.parquet", ["--faces"]), ("p.parquet", [])])
def test_predictions_give_the_same_tables(run: Run, tmp_path: Path, name: str, faces: list[str]) -> None:
    first = figures(run("bright", "--data", tmp_path / "m.csv", "--predictions", tmp_path / name, "--json", *faces))
    again = figures(run("--from-predictions", tmp_path / name, "--json"))
    assert again == first
    assert first["figures"]["pooled"]["auc"]["value"] == pytest.approx(1)
    assert ("breakdown" in first) == bool(faces)


def test_a_report_holds_its_predictions_and_its_worst_errors(run: Run, tmp_path: Path) -> None:
    run("bright", "--data", tmp_path / "m.csv", "--out", tmp_path / "report")
    page = (tmp_path / "report" / "worst.html").read_text(encoding="utf-8")
    assert page.count("<img") == 6  # all of `val`
    assert "http" not in page
    said = (tmp_path / "report" / "evaluation.md").read_text(encoding="utf-8").split("## Plots")[0]
    run("--from-predictions", tmp_path / "report" / "predictions.csv", "--out", tmp_path / "again")
    stamped = [line for line in said.splitlines() if "Evaluated" not in line]
    anew = (tmp_path / "again" / "evaluation.md").read_text(encoding="utf-8").split("## Plots")[0].splitlines()
    assert [line for line in anew if "Evaluated" not in line] == stamped


def test_one_detector_against_another(run: Run, tmp_path: Path) -> None:
    run("red", "--data", tmp_path / "m.csv", "--predictions", tmp_path / "red.csv")
    done = run("bright", "--data", tmp_path / "m.csv", "--against", tmp_path / "red.csv", "--json")
    compared = json.loads(done.stdout)["compared"]
    assert compared["first"] == pytest.approx(1)
    assert compared["value"] == pytest.approx(compared["first"] - compared["second"])
    assert "AUC of bright 1.0000, of red" in run("bright", "--data", tmp_path / "m.csv", "--against", tmp_path / "red.csv").stdout

    other = (tmp_path / "red.csv").read_text(encoding="utf-8").splitlines()
    (tmp_path / "red.csv").write_text("\n".join(other[:-1]), encoding="utf-8")
    assert "of other pictures" in str(
        CliRunner()
        .invoke(
            evaluate,
            ["bright", "--data", str(tmp_path / "m.csv"), "--against", str(tmp_path / "red.csv")],
            obj=Settings(tmp_path / "data"),
        )
        .exception
    )


def test_what_cannot_go_together(run: Run, tmp_path: Path) -> None:
    run("bright", exit_status=2)
    run("--data", tmp_path / "m.csv", exit_status=2)
    run("bright", "--from-predictions", tmp_path / "p.csv", exit_status=2)
    run("--from-predictions", tmp_path / "p.csv", "--faces", exit_status=2)
