"""Paths are opened beneath a folder: no link on the way is followed, and what the walk accepts is opened."""

import errno
import os
from pathlib import Path

import pytest

from scanner.base.access.beneath import LinkOnTheWay, folder_beneath, open_as_found, open_beneath
from scanner.base.files import NotRegular

pytestmark = pytest.mark.skipif(os.name == "nt", reason="links need a right on Windows")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with a file deep in it, and a secret beside the folder."""
    root = tmp_path / "root"
    (root / "a" / "b").mkdir(parents=True)
    (root / "a" / "b" / "file").write_text("inside")
    (tmp_path / "outside" / "b").mkdir(parents=True)
    (tmp_path / "outside" / "b" / "file").write_text("secret")
    return root


def _read(root: Path, path: Path) -> str:
    with open_beneath(str(root), str(path)) as file:
        return file.read().decode()


def test_a_file_is_read(root: Path) -> None:
    assert _read(root, root / "a" / "b" / "file") == "inside"
    assert _read(Path("/"), root / "a" / "b" / "file") == "inside"


@pytest.mark.parametrize("replaced", ["a", "a/b"])
def test_a_folder_that_became_a_link_is_not_followed(root: Path, replaced: str) -> None:
    """Neither out of the root nor within it."""
    for target in (root.parent / "outside" / replaced.removeprefix("a").lstrip("/"), root / "real"):
        (root / replaced).rename(root / "real")
        (root / replaced).symlink_to(target)
        with pytest.raises(LinkOnTheWay) as raised:
            open_beneath(str(root), str(root / "a" / "b" / "file"))
        assert raised.value.filename == str(root / replaced)
        (root / replaced).unlink()
        (root / "real").rename(root / replaced)


def test_a_link_in_the_place_of_the_file_is_followed_within_the_root_only(root: Path) -> None:
    (root / "near").symlink_to("a/b/file")
    (root / "far").symlink_to("../outside/b/file")
    (root / "a" / "through").symlink_to("../linked/file")
    (root / "linked").symlink_to("a/b")

    assert _read(root, root / "near") == "inside"
    assert _read(root, root / "a" / "through") == "inside"  # its real place is in the root
    with pytest.raises(LinkOnTheWay):
        open_beneath(str(root), str(root / "far"))


def test_a_root_may_be_a_link(root: Path) -> None:
    (root.parent / "linked").symlink_to(root)
    (root / "near").symlink_to("a/b/file")

    assert _read(root.parent / "linked", root.parent / "linked" / "a" / "b" / "file") == "inside"
    assert _read(root.parent / "linked", root.parent / "linked" / "near") == "inside"


@pytest.mark.parametrize("path", ["../outside/b/file", "a/../../outside/b/file", "a/./b/file", "a//b/file"])
def test_a_path_that_is_not_plain_is_refused(root: Path, path: str) -> None:
    with pytest.raises(LinkOnTheWay):
        open_beneath(str(root), f"{root}/{path}")
    with pytest.raises(LinkOnTheWay):
        open_beneath(str(root), str(root.parent / "outside" / "b" / "file"))


def test_other_things_are_told_apart(root: Path) -> None:
    os.mkfifo(root / "fifo")
    (root / "a" / "plain").touch()
    with pytest.raises(NotRegular):
        open_beneath(str(root), str(root / "fifo"))
    with pytest.raises(FileNotFoundError):
        open_beneath(str(root), str(root / "a" / "none"))
    with pytest.raises(NotADirectoryError):
        open_beneath(str(root), str(root / "a" / "plain" / "file"))


def test_where_no_root_is_known_links_lead_to_the_file_that_was_found(root: Path) -> None:
    """A folder that was scanned by the name of a link; the same name later, leading elsewhere."""
    linked = root.parent / "linked"
    linked.symlink_to(root / "a")
    path, found = str(linked / "b" / "file"), (root / "a" / "b" / "file").stat().st_ino
    with open_as_found(path, root=None, inode=found) as file:
        assert file.read() == b"inside"

    linked.unlink()
    linked.symlink_to(root.parent / "outside")
    with pytest.raises(LinkOnTheWay):
        open_as_found(path, root=None, inode=found)
    with pytest.raises(LinkOnTheWay):
        open_as_found(f"{root}/../outside/b/file", root=None, inode=None)


def test_folders_are_made_where_they_are_missing(root: Path) -> None:
    with folder_beneath(str(root), str(root / "x" / "y"), make=True):
        assert (root / "x" / "y").is_dir()
    (root / "z").symlink_to(root.parent / "outside")
    with pytest.raises(LinkOnTheWay) as raised, folder_beneath(str(root), str(root / "z" / "made"), make=True):
        pass
    assert raised.value.errno == errno.ELOOP
    assert not (root.parent / "outside" / "made").exists()


def test_a_folder_that_may_only_be_passed_through_is(root: Path) -> None:
    (root / "a").chmod(0o111)

    assert _read(root, root / "a" / "b" / "file") == "inside"
