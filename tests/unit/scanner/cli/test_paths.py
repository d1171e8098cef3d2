"""A path means the same to every command, however it is written."""

import json
from pathlib import Path

import pytest
from files.command import Dfscan, Here

WAYS = ("pics", "./pics", "../{above}/pics", "pics/", "pics//", "pics/.", "pics/sub/..", "{full}", "link/../pics", "~/pics")


@pytest.fixture
def written(pictures: Path, filled: Dfscan, tmp_path: Path) -> list[str]:
    """The watched folder in all its ways; the command runs in `tmp_path`, which is its HOME, too."""
    (pictures / "sub").mkdir()
    (tmp_path / "elsewhere" / "below").mkdir(parents=True)
    (tmp_path / "elsewhere" / "pics").symlink_to(pictures)
    (tmp_path / "link").symlink_to("elsewhere/below")
    filled.environment["HOME"] = str(tmp_path)
    return [way.format(above=tmp_path.name, full=pictures) for way in WAYS if not way.startswith("link")]


def test_report_finds_it(filled: Dfscan, here: Here, written: list[str], pictures: Path) -> None:
    for way in (*written, "pics/a.jpg", "pics/sub/../a.jpg"):
        found = json.loads(here("report", "--json", way).stdout)
        assert [item["path"] for item in found["items"]] == [str(pictures / "a.jpg")], way


def test_verify_finds_it(filled: Dfscan, here: Here, written: list[str]) -> None:
    for way in written:
        assert "1 failed: undecodable" in here("verify", way, exit_status=(0, 1)).stdout, way


def test_retry_finds_it(filled: Dfscan, here: Here, written: list[str]) -> None:
    for way in written:
        assert "there are: undecodable (1)" in here("retry", "--reason", "nothing", way).stdout, way
    assert "1 failed files are pending again" in here("retry", "../" + Path(filled.data_dir.parent).name + "/pics").stdout


def test_a_parent_behind_a_link_is_the_systems(filled: Dfscan, here: Here, written: list[str], tmp_path: Path) -> None:
    """`link/..` is where the link leads to, and above that; not where the link is."""
    found = json.loads(here("report", "--json", "link/../pics/a.jpg").stdout)
    assert found["items"] == []  # it is known as pics/a.jpg only, and elsewhere/pics is a name of its own
    assert str(tmp_path / "elsewhere" / "pics") in here("verify", "--json", "link/../pics", exit_status=(0, 1)).stdout


@pytest.mark.parametrize("command", ["scan", "report", "rescan", "retry", "verify", "watch"])
def test_a_variable_that_is_not_set_is_not_the_working_folder(filled: Dfscan, here: Here, command: str) -> None:
    done = here(command, "", exit_status=2)
    assert "empty path" in done.stderr


@pytest.mark.parametrize("command", ["report", "rescan", "retry"])
def test_a_path_of_which_nothing_is_known_is_told(filled: Dfscan, here: Here, pictures: Path, command: str) -> None:
    """A name that is misspelt would find nothing, as if all were well."""
    misspelt = [f"{pictures}x", str(pictures / "a.jpeg"), str(pictures)]
    assert f"no file is known under {pictures}x (nor under 1 more)" in here(command, *misspelt).stderr
    for known in (str(pictures), str(pictures / "a.jpg")):
        assert "no file is known" not in here(command, known).stderr
    assert "no file is known" not in here(command).stderr


def test_what_failed_elsewhere_is_not_denied(filled: Dfscan, here: Here, pictures: Path, tmp_path: Path) -> None:
    assert here("retry", tmp_path / "none").stdout == "no file has failed there\n"
    assert "1 failed files are pending again" in here("retry").stdout
