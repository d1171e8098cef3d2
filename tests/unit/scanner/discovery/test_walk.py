"""What lies under a folder: found, passed over for a stated reason, or passed over in silence."""

import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from scanner.discovery.ignore import IgnoreRules
from scanner.discovery.walk import FOLDER, Found, Skipped, look_at, walk

MakePicture = Callable[..., Path]
IGNORE = ("@eaDir", "Thumbs.db")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    folder.mkdir()
    return folder


def found(root: Path, ignore: tuple[str, ...] = IGNORE) -> list[str]:
    """Names, relative to the root, of what is to be scored, in the order of the walk."""
    return [os.path.relpath(entry.path, root) for entry in entries(root, ignore) if isinstance(entry, Found)]


def reasons(root: Path) -> dict[str, str]:
    """Reasons by name, relative to the root, of what is passed over."""
    return {os.path.relpath(entry.path, root): entry.reason for entry in entries(root) if isinstance(entry, Skipped)}


def entries(root: Path, ignore: tuple[str, ...] = IGNORE) -> list[Found | Skipped]:
    return list(walk(str(root), root=str(root), ignore=ignore))


def test_images_at_every_depth(root: Path, make_picture: MakePicture) -> None:
    """Images are found at every depth with size and time."""
    (root / "b" / "c").mkdir(parents=True)
    for seed, name in enumerate(("z.jpg", "b/a.png", "b/c/x.WEBP")):
        make_picture(root / name, seed)
    os.utime(root / "z.jpg", ns=(1, 1_700_000_000_123_456_789))
    assert found(root) == ["b/a.png", "b/c/x.WEBP", "z.jpg"]
    status = (root / "z.jpg").stat()
    dates = status.st_size, 1_700_000_000_123_456_789
    assert entries(root)[-1] == Found(str(root / "z.jpg"), *dates, status.st_ino, status.st_ctime_ns)


def test_an_empty_folder_holds_nothing(root: Path) -> None:
    assert entries(root) == []


def test_images_without_suffix(root: Path, make_picture: MakePicture) -> None:
    """Content finds images without suffix and text is passed over."""
    make_picture(root / "a.jpg").rename(root / "a")
    make_picture(root / "b.png").rename(root / "b.txt")
    (root / "notes.txt").write_text("no image")
    (root / "empty").touch()
    assert found(root) == ["a", "b.txt"]
    assert reasons(root) == {}


def test_promising_name_is_found(root: Path) -> None:
    """A name that promises an image is found whatever it holds."""
    (root / "text.jpg").write_text("no image")
    (root / "empty.png").touch()
    assert found(root) == ["empty.png", "text.jpg"]


def test_hidden_and_ignored_names(root: Path, make_picture: MakePicture) -> None:
    """Hidden and ignored names are passed over at every depth."""
    for folder in (".hidden", "@eaDir", "a/@eaDir/b", "a/.git"):
        (root / folder).mkdir(parents=True)
        make_picture(root / folder / "x.jpg")
    make_picture(root / ".x.jpg")
    make_picture(root / "a" / ".x.jpg")
    make_picture(root / "a" / "kept.jpg")
    assert found(root) == ["a/kept.jpg"]


def test_hidden_or_ignored_root(tmp_path: Path, make_picture: MakePicture) -> None:
    """A root may itself be hidden or bear an ignored name."""
    folder = tmp_path / ".cache" / "@eaDir"
    folder.mkdir(parents=True)
    make_picture(folder / "x.jpg")
    assert found(folder) == ["x.jpg"]


def test_ignore_globs_match_names_or_paths_from_the_root(root: Path, make_picture: MakePicture) -> None:
    for name in ("a/keep/x.jpg", "a/drop/x.jpg", "b/drop/x.jpg", "b/x.tmp.jpg"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        make_picture(root / name)
    assert found(root, ("drop",)) == ["a/keep/x.jpg", "b/x.tmp.jpg"]
    assert found(root, ("a/drop",)) == ["a/keep/x.jpg", "b/drop/x.jpg", "b/x.tmp.jpg"]
    assert found(root, ("*.tmp.*",)) == ["a/drop/x.jpg", "a/keep/x.jpg", "b/drop/x.jpg"]
    assert found(root, ("[ab]",)) == []


def test_a_path_is_ignored_when_any_folder_on_the_way_is() -> None:
    assert IgnoreRules(IGNORE).rule_on_the_way("/r/a/@eaDir/b/x.jpg", root="/r") == "ignored by @eaDir"
    assert IgnoreRules(()).rule_on_the_way("/r/.a/x.jpg", root="/r") == "hidden"
    assert IgnoreRules(IGNORE).rule_on_the_way("/r/a/x.jpg", root="/r") is None
    assert IgnoreRules(("*",)).rule_on_the_way("/r", root="/r") is None


def test_what_is_no_regular_file_has_a_reason(root: Path) -> None:
    os.mkfifo(root / "fifo.jpg")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.path.relpath(root / "socket"))  # a socket's name must be short
        assert reasons(root) == {
            "fifo.jpg": "not a regular file but a FIFO",
            "socket": "not a regular file but a socket",
        }
    assert found(root) == []
    assert look_at(os.devnull, root="/dev") == Skipped(os.devnull, "not a regular file but a device")


def test_links_are_followed_only_to_images_inside(root: Path, tmp_path: Path, make_picture: MakePicture) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    make_picture(outside / "x.jpg")
    (root / "real").mkdir()
    make_picture(root / "real" / "y.jpg")
    links = {
        "dangling.jpg": "nowhere.jpg",
        "dangling": "nowhere",
        "loop.jpg": "loop.jpg",
        "out.jpg": outside / "x.jpg",
        "out": outside,
        "inside": root / "real",
        "up": root,
        "inside.jpg": "real/y.jpg",
        "chain.jpg": "inside.jpg",
        "passwords": "/etc/passwd",
    }
    for name, target in links.items():
        (root / name).symlink_to(target)

    assert found(root) == ["chain.jpg", "inside.jpg", "real/y.jpg"]
    said = reasons(root)
    assert set(said) == {"dangling.jpg", "loop.jpg", "out.jpg", "out", "inside", "up"}
    assert said["dangling.jpg"] == "a symbolic link to nothing"
    assert "cannot be followed" in said["loop.jpg"]
    assert said["out.jpg"] == f"a symbolic link out of the folder, to {outside / 'x.jpg'}"
    assert said["out"] == f"a symbolic link out of the folder, to {outside}"
    assert "inside the folder" in said["inside"]
    assert "inside the folder" in said["up"]


def test_link_shows_its_target(root: Path, make_picture: MakePicture) -> None:
    """A link to an image shows the images size and time."""
    status = make_picture(root / "y.jpg").stat()
    (root / "link.jpg").symlink_to("y.jpg")
    assert look_at(str(root / "link.jpg"), root=str(root)) == Found(
        str(root / "link.jpg"), status.st_size, status.st_mtime_ns, status.st_ino, status.st_ctime_ns
    )


def test_the_root_may_be_reached_through_a_link(root: Path, tmp_path: Path, make_picture: MakePicture) -> None:
    make_picture(root / "y.jpg")
    (root / "link.jpg").symlink_to(root / "y.jpg")
    (tmp_path / "other way").symlink_to(root)
    assert found(tmp_path / "other way") == ["link.jpg", "y.jpg"]


def test_folder_beside_a_root(root: Path, tmp_path: Path, make_picture: MakePicture) -> None:
    """A folder whose name begins like the roots is outside."""
    (tmp_path / "root2").mkdir()
    make_picture(tmp_path / "root2" / "x.jpg")
    (root / "x.jpg").symlink_to(tmp_path / "root2" / "x.jpg")
    assert "out of the folder" in reasons(root)["x.jpg"]


def test_reason_with_odd_link_target(root: Path, tmp_path: Path) -> None:
    """A reason can be shown and stored whatever a links target is called."""
    target = os.fsencode(tmp_path) + b"/\x1b[2Jnew\nline \xff.jpg"
    Path(os.fsdecode(target)).touch()
    (root / "x.jpg").symlink_to(os.fsdecode(target))
    reason = reasons(root)["x.jpg"]
    assert reason.isprintable()
    reason.encode("utf-8")


@pytest.mark.parametrize(
    "name", [b"not utf-8 \xff\xfe.jpg", b"new\nline.jpg", b"quote'\".jpg", b"\\back\\.jpg", b"  .jpg", b"*?[a].jpg"]
)
def test_names_may_be_anything(root: Path, make_picture: MakePicture, name: bytes) -> None:
    path = os.fsencode(root) + b"/" + name
    make_picture(root / "plain.jpg").rename(os.fsdecode(path))
    assert [os.fsencode(entry.path) for entry in entries(root)] == [path]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_unreadable_folder(root: Path, make_picture: MakePicture) -> None:
    """An unreadable folder is an error and the rest is found."""
    (root / "locked").mkdir()
    make_picture(root / "locked" / "x.jpg")
    make_picture(root / "z.jpg")
    (root / "locked").chmod(0)
    try:
        [at_root, skipped] = entries(root)
        assert at_root.path == str(root / "z.jpg")
        assert skipped == Skipped(str(root / "locked"), "the folder cannot be read: Permission denied", is_error=True)
    finally:
        (root / "locked").chmod(0o700)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may look into every folder")
def test_what_cannot_be_looked_at_is_an_error(root: Path, make_picture: MakePicture) -> None:
    (root / "names only").mkdir()
    make_picture(root / "names only" / "x.jpg")
    (root / "names only").chmod(0o400)  # the names can be listed, nothing more
    try:
        assert entries(root) == [
            Skipped(str(root / "names only" / "x.jpg"), "cannot be looked at: Permission denied", is_error=True)
        ]
    finally:
        (root / "names only").chmod(0o700)


def test_a_folder_that_goes_while_walking_is_passed_over(root: Path, make_picture: MakePicture) -> None:
    for folder in ("a", "b", "c"):
        (root / folder).mkdir()
        make_picture(root / folder / "x.jpg")
    walking = walk(str(root), root=str(root), ignore=())
    assert next(walking).path == str(root / "a" / "x.jpg")
    shutil.rmtree(root / "b")
    assert [entry.path for entry in walking] == [str(root / "c" / "x.jpg")]


def test_a_file_that_goes_while_walking_is_passed_over(root: Path, make_picture: MakePicture) -> None:
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        make_picture(root / name)
    walking = walk(str(root), root=str(root), ignore=())
    next(walking)
    (root / "b.jpg").unlink()
    assert [entry.path for entry in walking] == [str(root / "c.jpg")]


def test_looking_at_one_path(root: Path, make_picture: MakePicture) -> None:
    make_picture(root / "a.jpg")
    (root / "notes.txt").write_text("no image")
    assert isinstance(look_at(str(root / "a.jpg"), root=str(root)), Found)
    assert look_at(str(root), root=str(root)) is FOLDER
    assert look_at(str(root / "notes.txt"), root=str(root)) is None
    assert look_at(str(root / "absent.jpg"), root=str(root)) is None


def test_a_folder_that_a_file_has_replaced_is_gone(root: Path, make_picture: MakePicture) -> None:
    (root / "a").mkdir()
    (root / "b").mkdir()
    make_picture(root / "a" / "x.jpg")
    walking = walk(str(root), root=str(root), ignore=())
    assert next(walking).path == str(root / "a" / "x.jpg")
    (root / "b").rmdir()
    make_picture(root / "b.jpg").rename(root / "b")
    assert list(walking) == []  # the next sweep finds the file
    assert look_at(str(root / "b" / "x.jpg"), root=str(root)) is None
