"""`dfscan manifest check`: leaks, broken pictures and biases, as a user calls it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from files.manifests import done, run
from PIL import Image

from training.data.manifest import Row, read_manifest, write_manifest


def test_a_clean_manifest_passes_the_check(pictures: Path, tmp_path: Path) -> None:
    done("import", "folders", pictures, "-o", tmp_path / "m.csv")

    result = done("check", tmp_path / "m.csv", "--processes", "0")

    assert result.stdout.startswith("no leaks among 100 pictures\nall sources: how files are stored does not give the label away")


@pytest.mark.slow
def test_planted_leaks_fail_the_check(pictures: Path, tmp_path: Path) -> None:
    """Planted leaks fail the check and can be left out."""
    done("import", "folders", pictures, "-o", tmp_path / "m.csv")
    rows = list(read_manifest(tmp_path / "m.csv").rows)
    first, second = [row for row in rows if row.split == "train"][:2]
    (tmp_path / "bytes.jpg").write_bytes(first.path.read_bytes())
    with Image.open(second.path) as picture:
        picture.resize((90, 90)).save(tmp_path / "again.webp", quality=70)
    rows += [Row(tmp_path / name, 1, "web", "", "", name, "val") for name in ("bytes.jpg", "again.webp")]
    write_manifest(tmp_path / "leaky.csv", rows)

    told = run("check", tmp_path / "leaky.csv", "--processes", "0")
    assert told.exit_code == 1
    assert "1 case(s) of the same bytes" in told.stdout
    assert f"{second.path} (train, " in told.stdout

    listed = run("check", tmp_path / "leaky.csv", "--processes", "0", "--json", "--without-leaks", tmp_path / "mended.csv")
    assert listed.exit_code == 1
    findings = json.loads(listed.stdout)
    assert findings["pictures"] == 102
    assert [{one["path"] for one in copies} for copies in findings["copies"]] == [{str(first.path), str(tmp_path / "bytes.jpg")}]
    assert [(one["picture"]["path"], one["copy_of"]["split"]) for one in findings["near_copies"]] == [(str(second.path), "val")]
    assert findings["bias"][0]["gives_label_away"] is False
    assert {trait["trait"] for trait in findings["bias"][0]["traits"]} >= {"file format", "JPEG quality", "file size"}
    mended = read_manifest(tmp_path / "mended.csv").rows
    assert second not in mended
    assert done("check", tmp_path / "mended.csv", "--processes", "0").stdout.startswith("no leaks among")


@pytest.mark.slow
def test_broken_pictures_fail_the_check(pictures: Path, tmp_path: Path) -> None:
    """Broken pictures fail the check and can be left out."""
    for number in range(7):
        (pictures / "fake" / f"broken{number}.jpg").write_bytes(b"" if number else b"no picture")
    done("import", "folders", pictures, "-o", tmp_path / "m.csv")

    told = run("check", tmp_path / "m.csv", "--processes", "0", "--without-leaks", tmp_path / "whole.csv")
    listed = run("check", tmp_path / "m.csv", "--processes", "0", "--json")

    assert (told.exit_code, listed.exit_code) == (1, 1)
    assert "7 case(s) of pictures that cannot be read" in told.stdout
    assert "... and 2 more" in told.stdout
    assert "all sources: how files are stored" in told.stdout
    assert {Path(one["path"]).stem for one in json.loads(listed.stdout)["unreadable"]} == {f"broken{n}" for n in range(7)}
    assert len(read_manifest(tmp_path / "whole.csv").rows) == 100
    assert done("check", tmp_path / "whole.csv", "--processes", "0").stdout.startswith("no leaks among 100")


@pytest.mark.slow
def test_planted_bias_is_told_and_fails_nothing(pictures: Path, tmp_path: Path) -> None:
    for path in (pictures / "fake").iterdir():
        with Image.open(path) as picture:
            picture.save(path.with_suffix(".png"))
        path.unlink()
    done("import", "folders", pictures, "-o", tmp_path / "m.csv")

    result = done("check", tmp_path / "m.csv", "--processes", "0")

    assert "the file format alone gives the label away (AUC 1.000): real JPEG 100%, fake PNG 100%" in result.stdout


@pytest.mark.slow
def test_commands_start_without_torch(pictures: Path, tmp_path: Path) -> None:
    """The command starts without torch and ends with its status."""
    done("import", "folders", pictures, "-o", tmp_path / "m.csv")
    program = (
        "import sys; from training.cli.manifest import manifest; import training.data.bias, training.data.leaks\n"
        "from training.data.importers.layouts import LAYOUTS, importer_named\n"
        "[importer_named(layout) for layout in LAYOUTS]\n"
        "heavy = {'torch', 'torchvision', 'sqlalchemy', 'celery'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "if __name__ == '__main__': sys.exit(manifest.main(sys.argv[1:], standalone_mode=False))"
    )
    (tmp_path / "program.py").write_text(program)
    rows = read_manifest(tmp_path / "m.csv").rows
    (tmp_path / "copy.jpg").write_bytes(next(row.path for row in rows if row.split == "train").read_bytes())
    write_manifest(tmp_path / "leaky.csv", [*rows, Row(tmp_path / "copy.jpg", 0, "s", "", "", "copy", "val")])

    for name, status in (("m.csv", 0), ("leaky.csv", 1)):
        command = [sys.executable, str(tmp_path / "program.py"), "check", str(tmp_path / name), "--processes", "2"]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=240, cwd=Path(__file__).parents[4])
        assert ended.returncode == status, ended.stderr
