"""`dfscan manifest`: import and merge, as a user calls them."""

import csv
from pathlib import Path

import pytest
from files.manifests import done, refused, run, scene

from training.data.manifest import COLUMNS, ManifestError, Row, read_manifest, write_manifest


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
