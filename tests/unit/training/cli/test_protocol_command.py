"""DeepfakeBench's protocol by one command, on small trees of its layout."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from files.deepfakebench_trees import tree

from scanner.base.settings import Settings
from training.cli.matrix import matrix
from training.cli.protocol import protocol
from training.config.protocols.reader import ProtocolError
from training.evaluation import figures

RECIPE = """
[network]
branches = ["efficientnet-lite2"]
hidden = []
dropout = 0.0
[preprocessing]
size = 32
mean = [0.5, 0.5, 0.5]
std = [0.5, 0.5, 0.5]
[plan]
sizes = [32]
epochs = 1
batch_size = 8
optimiser = "adamw"
learning_rate = 3e-3
autocast = false
"""


@pytest.mark.slow
def test_deepfakebench_from_lists_to_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "DRAWS", 5)
    tree(tmp_path / "sets")
    (tmp_path / "tiny.toml").write_text(RECIPE, encoding="utf-8")
    out, obj = tmp_path / "out", Settings(tmp_path / "data")
    places = ["--root", str(tmp_path / "sets"), "--out", str(out), "--recipe", str(tmp_path / "tiny.toml")]

    def run(*options: str) -> Result:
        return CliRunner().invoke(protocol, ["deepfakebench", *places, "--loaders", "0", "--json", *options], obj=obj)

    assert isinstance(run("--seeds", "2").exception, ProtocolError)  # of some sets there is nothing
    done = run("--seeds", "2", "--skip-missing")

    assert done.exit_code == 0, done.output
    first = json.loads(done.stdout)
    assert first["tested_on"] == ["Celeb-DF-v2", "FaceForensics++", "FaceShifter", "UADFV"]
    [line] = first["detectors"]
    assert line["trained_on"] == ["FaceForensics++"]
    assert len(line["seeds"]) == 2
    assert [cell["in_domain"] for cell in line["cells"].values()] == [False, True, False, False]
    counts = {name: tuple(cell[unit]["fake"] for unit in ("frame", "video")) for name, cell in line["cells"].items()}
    assert counts == {"Celeb-DF-v2": (6, 2), "FaceForensics++": (12, 4), "FaceShifter": (6, 2), "UADFV": (6, 2)}
    for unit in ("frame", "video"):
        elsewhere = [cell[unit]["auc"]["value"] for cell in line["cells"].values() if not cell["in_domain"]]
        assert line["mean_elsewhere"][unit]["auc"]["columns"] == 3
        assert line["mean_elsewhere"][unit]["auc"]["value"] == pytest.approx(sum(elsewhere) / 3)
    text = (out / "matrix-by-source.md").read_text(encoding="utf-8")
    assert "| tested on | real frames | fake frames | AUC per frame | EER per frame | AP per frame | accuracy per frame |" in text
    assert "FF-F2F" in (out / "matrix-by-generator.md").read_text(encoding="utf-8")
    assert "All are finished" in (out / "run" / "README.md").read_text(encoding="utf-8")

    # All of it is there: nothing is trained or scored again, and the tables follow from the predictions alone.
    again = run("--seeds", "2", "--skip-missing")
    assert json.loads(again.stdout) == first
    assert "scored" not in again.stderr
    assert "step" not in again.stderr
    kept = sorted(str(path) for path in (out / "predictions").iterdir())
    assert json.loads(CliRunner().invoke(matrix, [*kept, "--json"], obj=obj).stdout) == first
    assert "another protocol" in str(run("--skip-missing").exception)  # of one seed
