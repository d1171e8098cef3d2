"""`-o` never costs anybody a file."""

import os
import subprocess
from pathlib import Path

import pytest
from files.command import Dfscan, Here

FORMS = ("table", "json", "csv", "html")


@pytest.mark.parametrize("force", [(), ("--force",)])
def test_a_picture_of_a_watched_folder_is_never_replaced(
    filled: Dfscan, here: Here, pictures: Path, force: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to(pictures)
    for way in (pictures / "a.jpg", tmp_path / "link" / "a.jpg"):
        done = here("report", "-o", way, *force, exit_status=2)
        assert "name another" in done.stderr
    assert (pictures / "a.jpg").read_bytes() == b"a picture"
    assert os.listdir(pictures) == ["a.jpg"]


def test_nor_is_one_that_a_scan_names(filled: Dfscan, here: Here, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"a picture")
    for force in ((), ("--force",)):
        here("scan", tmp_path / "a.jpg", "-o", tmp_path / "a.jpg", "--no-worker", *force, exit_status=2)
    assert (tmp_path / "a.jpg").read_bytes() == b"a picture"


def test_nor_the_programs_own_database(filled: Dfscan, here: Here) -> None:
    file = filled.data_dir / "dfscan.sqlite"
    before = file.read_bytes()
    here("report", "-o", file, "--force", exit_status=2)
    assert file.read_bytes() == before


def test_another_file_is_replaced_with_force_only(filled: Dfscan, here: Here, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    (tmp_path / "other name").hardlink_to(tmp_path / "letter.txt")
    assert "--force" in here("report", "-o", tmp_path / "letter.txt", exit_status=2).stderr
    assert (tmp_path / "letter.txt").read_text() == "dear"
    here("report", "-o", tmp_path / "letter.txt", "--force")
    assert "3 files: 3 fake" in (tmp_path / "letter.txt").read_text()
    assert (tmp_path / "other name").read_text() == "dear"


@pytest.mark.parametrize(("before", "after"), [*((form, form) for form in FORMS), ("table", "json"), ("html", "csv")])
def test_an_earlier_report_is_replaced_by_the_next(filled: Dfscan, here: Here, tmp_path: Path, before: str, after: str) -> None:
    out = tmp_path / "out"
    here("report", "--format", before, "-o", out)
    out.chmod(0o640)
    first = out.read_bytes()
    here("report", "--format", after, "-o", out)
    assert (out.read_bytes() == first) == (before == after)
    assert out.stat().st_mode & 0o777 == 0o640


def test_a_report_of_nothing_is_a_report_too(filled: Dfscan, here: Here, tmp_path: Path) -> None:
    for form in FORMS:
        for _ in range(2):
            here("report", "/nowhere", "--format", form, "-o", tmp_path / form)


def test_an_empty_file_and_a_stream_are_written_to(filled: Dfscan, here: Here, tmp_path: Path) -> None:
    (tmp_path / "fresh").touch()
    here("report", "-o", tmp_path / "fresh")
    assert (tmp_path / "fresh").read_text()
    assert "3 files" in filled.run("report", "-o", "/dev/stdout").stdout
    here("report", "-o", "/dev/null")
    assert not Path("/dev/null").is_file()


def test_a_link_stays_one_and_what_it_leads_to_is_asked(filled: Dfscan, here: Here, tmp_path: Path) -> None:
    (tmp_path / "letter").write_text("dear")
    (tmp_path / "link").symlink_to("letter")
    here("report", "-o", tmp_path / "link", exit_status=2)
    here("report", "-o", tmp_path / "link", "--force")
    assert (tmp_path / "link").is_symlink()
    assert "3 files" in (tmp_path / "letter").read_text()


def test_a_full_disk_leaves_the_old_report(filled: Dfscan, here: Here, tmp_path: Path) -> None:
    disk = tmp_path / "small"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", disk], capture_output=True).returncode:
        pytest.skip("nothing may be mounted here")
    try:
        here("report", "-o", disk / "out")
        before = (disk / "out").read_bytes()
        (disk / "filler").write_bytes(b"x" * 4096 * 3)
        done = here("report", "--format", "html", "-o", disk / "out", exit_status=2)
        assert "No space left" in done.stderr
        assert (disk / "out").read_bytes() == before
        assert sorted(os.listdir(disk)) == ["filler", "out"]
    finally:
        subprocess.run(["umount", disk], check=True)


def test_what_cannot_be_written_is_said_before_anything_is_scanned(filled: Dfscan, here: Here, tmp_path: Path) -> None:
    (tmp_path / "pics").mkdir()
    for target in (tmp_path / "no folder" / "out", tmp_path):
        done = here("scan", tmp_path / "pics", "-o", target, exit_status=2)
        assert "already known" not in done.stderr
