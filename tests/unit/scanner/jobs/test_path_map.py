"""The same folder under two names."""

import os

import pytest

from scanner.base.settings import SettingsError
from scanner.jobs.path_map import local_path, parse_path_map


def test_paths_are_translated_by_the_longest_name() -> None:
    mapping = parse_path_map(["/srv=/mnt/srv", "/srv/pictures/=/nas/"])
    assert local_path("/srv/pictures/a/b.jpg", mapping) == "/nas/a/b.jpg"
    assert local_path("/srv/pictures", mapping) == "/nas"
    assert local_path("/srv/other/b.jpg", mapping) == "/mnt/srv/other/b.jpg"


def test_other_paths_stay() -> None:
    mapping = parse_path_map(["/srv=/mnt"])
    for path in ("/srvx/a.jpg", "/a/srv/b.jpg", "relative"):
        assert local_path(path, mapping) == path
    assert local_path("/srv/a.jpg", {}) == "/srv/a.jpg"


def test_the_top_of_a_file_system_and_paths_of_windows() -> None:
    assert local_path("/a/b.jpg", parse_path_map(["/=/host"])) == "/host/a/b.jpg"
    assert local_path(r"Z:\a\b.jpg", parse_path_map([r"Z:\=/mnt/z"])) == os.path.join("/mnt/z", "a", "b.jpg")


def test_names_of_any_bytes() -> None:
    assert local_path("/srv/\udcff.jpg", parse_path_map(["/srv=/mnt"])) == "/mnt/\udcff.jpg"


@pytest.mark.parametrize("pair", ["/srv", "=/mnt", "/srv=", ""])
def test_what_is_no_pair(pair: str) -> None:
    with pytest.raises(SettingsError, match="HERE=THERE"):
        parse_path_map([pair])
