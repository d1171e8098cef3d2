"""`dfscan manifest`: import, merge, check, as a user calls them."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from training.cli.manifest import manifest
from training.data.manifest import COLUMNS, ManifestError, Row, read_manifest, write_manifest


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(manifest, [str(argument) for argument in arguments])


def done(*arguments: str | Path) -> Result:
    result = run(*arguments)
    assert result.exit_code == 0, (result.output, result.exception)
    return result


def refused(*arguments: str | Path) -> str:
    """The message of the KnownError that the command ends with."""
    result = run(*arguments)
    assert isinstance(result.exception, ManifestError), result.output
    return str(result.exception)


def scene(seed: int) -> Image.Image:
    cells = np.random.default_rng(seed).integers(0, 255, (6, 6, 3), np.uint8)
    return Image.fromarray(cells).resize((64, 64), Image.Resampling.BICUBIC)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A hundred pictures in real/ and fake/, all unlike each other and stored in the same way."""
    root = tmp_path / "holiday"
    for seed in range(100):
        path = root / ("fake" if seed % 2 else "real") / f"{seed}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        scene(seed).save(path, quality=80)
    return root


def test_plain_folders_become_a_manifest(pictures: Path, tmp_path: Path) -> None:
    output = tmp_path / "manifest.csv"

    result = done("import", "folders", pictures, "-o", output)

    rows = read_manifest(output).rows
    assert len(rows) == 100
    assert {row.source for row in rows} == {"holiday"}
    assert {row.family for row in rows if not row.label} == {"real"}
    for row in rows:
        assert row.path.is_file()
        assert row.label == (row.path.parent.name == "fake")
    printed = {line.split()[1]: [int(field) for field in line.split()[2:]] for line in result.stdout.splitlines()[1:]}
    for split, (real, fake, groups) in printed.items():
        there = [row for row in rows if row.split == split]
        assert (real, fake, groups) == (sum(not row.label for row in there), sum(row.label for row in there), len(there))
    assert set(printed) == {"train", "val", "test"}


def test_names_and_shares_are_settings(pictures: Path, tmp_path: Path) -> None:
    names = ("--source", "mine", "--family", "diffusion", "--generator", "sd3", "--val-share", "0.5", "--test-share", "0")

    done("import", "folders", pictures, "-o", tmp_path / "m.csv", *names)

    rows = read_manifest(tmp_path / "m.csv").rows
    assert {(row.source, row.family, row.generator) for row in rows} == {("mine", "diffusion", "sd3"), ("mine", "real", "")}
    assert 30 < sum(row.split == "val" for row in rows) < 70
    assert not any(row.split == "test" for row in rows)


def test_paths_in_a_manifest(pictures: Path, tmp_path: Path) -> None:
    """Paths below the manifest are relative and others in full."""
    done("import", "folders", pictures, "-o", tmp_path / "beside.csv")
    done("import", "folders", pictures, "-o", tmp_path / "away" / "away.csv")

    with (tmp_path / "beside.csv").open(newline="") as opened:
        assert {path.split("/")[0] for path, *_ in list(csv.reader(opened))[1:]} == {"holiday"}
    tmp_path.rename(tmp_path.with_name("moved"))
    moved = tmp_path.with_name("moved")
    try:
        assert all(row.path.is_file() for row in read_manifest(moved / "beside.csv").rows)
        assert {row.path.parent.parent for row in read_manifest(moved / "away" / "away.csv").rows} == {pictures}
    finally:
        moved.rename(tmp_path)


def test_a_folder_given_relative_is_found_from_elsewhere(pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(pictures)
    done("import", "folders", ".", "-o", "../sub/m.csv")
    monkeypatch.chdir("/")

    rows = read_manifest(tmp_path / "sub" / "m.csv").rows
    assert {row.source for row in rows} == {"holiday"}
    assert all(row.path.is_file() for row in rows)


def test_a_manifest_is_never_overwritten_without_force(pictures: Path, tmp_path: Path) -> None:
    output = tmp_path / "m.csv"
    output.write_text("mine")

    assert f"{output} exists; name another file, or overwrite it with --force" in refused(
        "import", "folders", pictures, "-o", output
    )
    assert output.read_text() == "mine"
    done("import", "folders", pictures, "-o", output, "--force")
    assert len(read_manifest(output).rows) == 100


def test_what_is_left_out_and_what_is_missing_is_said(tmp_path: Path) -> None:
    for name in ("train/real/a.png", "train/real/b.png", "test/c.png"):
        (tmp_path / "set" / name).parent.mkdir(parents=True, exist_ok=True)
        scene(len(name)).save(tmp_path / "set" / name)

    result = done("import", "dfwild-cup", tmp_path / "set", "-o", tmp_path / "m.csv", "--val-share", "0")

    assert "left out: 1 in the test set, which has no labels" in result.stderr
    assert "note: split 'train' has no fake images" in result.stderr
    assert "note: split 'val' has no real and no fake images" in result.stderr


def test_frames_of_a_folder_stay_together_if_asked(tmp_path: Path) -> None:
    for video in range(12):
        for frame in range(5):
            path = tmp_path / "set" / ("fake" if video % 2 else "real") / f"clip{video}" / f"{frame}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            scene(video).save(path)

    done("import", "folders", tmp_path / "set", "-o", tmp_path / "m.csv", "--group-by", "folder", "--val-share", "0.4")

    rows = read_manifest(tmp_path / "m.csv").rows
    assert len({row.group for row in rows}) == 12
    assert len({(row.group, row.split) for row in rows}) == 12


def test_an_unknown_layout_lists_the_known(tmp_path: Path) -> None:
    result = run("import", "zip", tmp_path)

    assert result.exit_code == 2
    assert "'folders', 'dfwild-cup', 'deepfakebench'" in result.stderr


def test_manifests_are_merged(pictures: Path, tmp_path: Path) -> None:
    done("import", "folders", pictures, "-o", tmp_path / "one.csv")
    done(
        "import",
        "folders",
        pictures / "real",
        "-o",
        tmp_path / "far" / "two.csv",
        "--source",
        "two",
        "--test-share",
        "0.9",
        "--val-share",
        "0",
    )
    scene(1000).save(tmp_path / "far" / "extra.png")
    (extra,) = (Row(tmp_path / "far" / "extra.png", 1, "more", "f", "g", "more:x", "test"),)
    write_manifest(tmp_path / "far" / "three.csv", [extra])

    result = done("merge", tmp_path / "one.csv", tmp_path / "far" / "three.csv", tmp_path / "one.csv", "-o", tmp_path / "all.csv")

    rows = read_manifest(tmp_path / "all.csv").rows
    assert rows == (*read_manifest(tmp_path / "one.csv").rows, extra)
    assert "more" in result.stdout
    # The same pictures under another split: which is meant nobody knows.
    assert "has another label or split" in refused(
        "merge", tmp_path / "one.csv", tmp_path / "far" / "two.csv", "-o", tmp_path / "x.csv"
    )
    assert not (tmp_path / "x.csv").exists()
    assert "exists" in refused("merge", tmp_path / "one.csv", "-o", tmp_path / "all.csv")


def test_merging_a_divided_group(tmp_path: Path) -> None:
    """Merging manifests that divide a group is refused."""
    for name, split in (("a", "train"), ("b", "val")):
        scene(len(name)).save(tmp_path / f"{name}.png")
        write_manifest(tmp_path / f"{name}.csv", [Row(tmp_path / f"{name}.png", 0, "s", "", "", "anna", split)])

    message = refused("merge", tmp_path / "a.csv", tmp_path / "b.csv", "-o", tmp_path / "all.csv")

    assert "group 'anna' is in split 'val' and in 'train': a leak" in message
    assert not list(tmp_path.glob("*all*"))


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


def test_a_manifest_that_is_written_is_read_back(tmp_path: Path) -> None:
    rows = (
        Row(tmp_path / "a, b.png", 0, "s", 'say "f"', "g", "1", "train"),
        Row(tmp_path / "two\nlines.png", 1, "s", "", "", "2", "val"),
        Row(Path("/far/away.png"), 1, "s", "", "", "3", "test"),
    )

    write_manifest(tmp_path / "m.csv", rows)

    assert read_manifest(tmp_path / "m.csv").rows == rows
    assert (tmp_path / "m.csv").read_text().startswith(",".join(COLUMNS) + "\n")
    assert [path.name for path in tmp_path.iterdir()] == ["m.csv"]


def test_a_manifest_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(ManifestError, match=r"file/m\.csv cannot be written"):
        write_manifest(tmp_path / "file" / "m.csv", [])
