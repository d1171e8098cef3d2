"""Reading a claimed file once, and only if it is what intake saw."""

import errno
import hashlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from scanner.discovery.walk import Found, look_at
from scanner.domain.claims import Claimed
from scanner.domain.outcomes import Changed, ContentFacts, Failed, Unreachable, Vanished
from worker.pipeline import read
from worker.pipeline.read import read_image
from worker.pipeline.types import Item

LIMIT = 10_000_000
MakePicture = Callable[..., Path]


def claimed(path: Path) -> Claimed:
    """`path` as intake saw it just now."""
    status = path.stat()
    return Claimed(1, str(path), status.st_size, status.st_mtime_ns)


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.gif", "a.bmp", "a.tiff", "a.avif"])
def test_the_bytes_of_a_good_file_and_what_they_are(tmp_path: Path, make_picture: MakePicture, name: str) -> None:
    path = make_picture(tmp_path / name)
    content = path.read_bytes()
    file, facts = claimed(path), ContentFacts(hashlib.sha256(content).hexdigest(), len(content))
    assert read_image(file, LIMIT) == Item([file], facts, content)


def test_an_empty_file_has_a_content_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.touch()
    file = claimed(path)
    facts = ContentFacts(hashlib.sha256(b"").hexdigest(), 0)
    assert read_image(file, LIMIT) == Failed(file, "empty", "empty: the file has 0 bytes", facts)


def test_text_that_is_named_like_an_image(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_text("I am no picture")
    outcome = read_image(claimed(path), LIMIT)
    assert isinstance(outcome, Failed)
    assert outcome.kind == "not-an-image"
    assert outcome.content is not None
    assert outcome.content.size == len("I am no picture")


def test_a_file_above_the_limit_is_not_read(tmp_path: Path, make_picture: MakePicture) -> None:
    path = make_picture(tmp_path / "a.png")
    size = path.stat().st_size
    outcome = read_image(claimed(path), size - 1)
    assert isinstance(outcome, Failed)
    assert outcome.kind == "too-large"
    assert "max_file_megabytes" in outcome.reason
    assert outcome.content is None
    assert isinstance(read_image(claimed(path), size), Item)


def test_a_huge_sparse_file_takes_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    with path.open("wb") as opened:
        opened.truncate(1 << 40)
    outcome = read_image(claimed(path), 512_000_000)
    assert isinstance(outcome, Failed)
    assert outcome.reason.startswith("too large: 1,099,512 MB, the limit is 512 MB")


def test_a_file_that_grew_since_it_was_taken_in(tmp_path: Path, make_picture: MakePicture) -> None:
    path = make_picture(tmp_path / "a.jpg")
    file = claimed(path)
    with path.open("ab") as opened:
        opened.write(b"more")
    status = path.stat()
    assert read_image(file, LIMIT) == Changed(file, status.st_size, status.st_mtime_ns)


def test_a_file_that_grows_beyond_the_limit_once_it_is_open(
    tmp_path: Path, make_picture: MakePicture, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_picture(tmp_path / "a.jpg")
    file, limit, got = claimed(path), path.stat().st_size, list[int]()
    open_it, pieces_of = read._opened, read._pieces

    def grown(*arguments: Any) -> Any:
        opened = open_it(*arguments)
        with path.open("ab") as growing:
            growing.write(bytes(1_000_000))
        return opened

    def counted(*arguments: Any) -> Iterator[bytes]:
        for piece in pieces_of(*arguments):
            got.append(len(piece))
            yield piece

    monkeypatch.setattr(read, "_opened", grown)
    monkeypatch.setattr(read, "_pieces", counted)

    assert isinstance(read_image(file, limit), Changed)
    assert sum(got) == limit + 1


def test_a_file_of_the_same_size_that_was_written_to(tmp_path: Path, make_picture: MakePicture) -> None:
    path = make_picture(tmp_path / "a.jpg")
    file = claimed(path)
    os.utime(path, ns=(0, file.mtime_ns + 1))
    assert read_image(file, LIMIT) == Changed(file, file.size, file.mtime_ns + 1)


def test_a_file_that_is_gone(tmp_path: Path, make_picture: MakePicture) -> None:
    path = make_picture(tmp_path / "a.jpg")
    file = claimed(path)
    path.unlink()
    assert read_image(file, LIMIT) == Vanished(file)


def test_a_file_whose_folder_is_gone_or_is_now_a_file(tmp_path: Path, make_picture: MakePicture) -> None:
    (tmp_path / "folder").mkdir()
    path = make_picture(tmp_path / "folder" / "a.jpg")
    file = claimed(path)
    path.unlink()
    path.parent.rmdir()
    (tmp_path / "beside").touch()
    assert read_image(file, LIMIT, root=str(tmp_path)) == Vanished(file)
    path.parent.touch()
    assert read_image(file, LIMIT, root=str(tmp_path)) == Vanished(file)


def test_missing_folder_charges_no_file(tmp_path: Path, make_picture: MakePicture) -> None:
    """Without a root no one knows whether the folder was deleted or is on a drive that this machine has not mounted."""
    (tmp_path / "folder").mkdir()
    path = make_picture(tmp_path / "folder" / "a.jpg")
    file = claimed(path)
    path.unlink()
    assert read_image(file, LIMIT) == Vanished(file)  # its folder can be looked into
    outcome = read_image(file, LIMIT, root=str(path.parent))  # an empty mount point
    assert isinstance(outcome, Unreachable)
    assert "is it mounted?" in outcome.reason
    path.parent.rmdir()
    for root in (None, str(path.parent)):
        outcome = read_image(file, LIMIT, root=root)
        assert isinstance(outcome, Unreachable)
        assert "path_map" in outcome.reason


def test_a_file_may_be_at_another_place_on_this_machine(tmp_path: Path, make_picture: MakePicture) -> None:
    path = make_picture(tmp_path / "a.jpg")
    status = path.stat()
    file = Claimed(1, "/elsewhere/a.jpg", status.st_size, status.st_mtime_ns)
    assert isinstance(read_image(file, LIMIT), Unreachable)
    assert isinstance(read_image(file, LIMIT, path=str(path), root=str(tmp_path)), Item)


def test_another_mount_may_cut_times_off(tmp_path: Path, make_picture: MakePicture) -> None:
    """Or each sweep of the scanner, whose mount tells the time in full, would find the file changed."""
    path = make_picture(tmp_path / "a.jpg")
    os.utime(path, ns=(0, 1_700_000_000_123_456_700))
    size = path.stat().st_size
    for seen in (1_700_000_000_123_456_789, 1_700_000_001_999_999_999):
        file = Claimed(1, "/elsewhere/a.jpg", size, seen)
        assert isinstance(read_image(file, LIMIT, path=str(path), root=str(tmp_path)), Item)
        here = Claimed(1, str(path), size, seen)
        assert isinstance(read_image(here, LIMIT), Changed)
    for other in (
        Claimed(1, "/elsewhere/a.jpg", size, 1_700_000_003_000_000_000),
        Claimed(1, "/elsewhere/a.jpg", size + 1, seen),
    ):
        assert isinstance(read_image(other, LIMIT, path=str(path), root=str(tmp_path)), Changed)


@pytest.mark.parametrize("year", [1901, 2400])
def test_a_file_of_any_year(tmp_path: Path, make_picture: MakePicture, year: int) -> None:
    path = make_picture(tmp_path / "a.jpg")
    os.utime(path, (0, (year - 1970) * 31_556_952))
    found = look_at(str(path), root=str(tmp_path))
    assert isinstance(found, Found)
    assert abs(found.mtime_ns) < 2**63
    assert isinstance(read_image(Claimed(1, found.path, found.size, found.mtime_ns), LIMIT), Item)


@pytest.mark.parametrize("code", [errno.ESTALE, errno.ENOTCONN, errno.ETIMEDOUT, errno.EMFILE])
def test_trouble_charges_no_file(tmp_path: Path, make_picture: MakePicture, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    """Trouble of the network or the machine is not the files fault."""
    file = claimed(make_picture(tmp_path / "a.jpg"))

    def fail(*_: object) -> int:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "open", fail)
    assert read_image(file, LIMIT) == Unreachable(file, os.strerror(code))


@pytest.mark.usefixtures("soon")
def test_a_fifo_is_not_waited_for(tmp_path: Path, make_picture: MakePicture) -> None:
    path = make_picture(tmp_path / "a.jpg")
    file = claimed(path)
    path.unlink()
    os.mkfifo(path)
    assert read_image(file, LIMIT) == Failed(file, "not-a-file", "not a regular file")


def test_a_folder_in_its_place(tmp_path: Path, make_picture: MakePicture) -> None:
    path = make_picture(tmp_path / "a.jpg")
    file = claimed(path)
    path.unlink()
    path.mkdir()
    outcome = read_image(file, LIMIT)
    assert isinstance(outcome, Failed)
    assert outcome.kind == "not-a-file"


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc/self/mem, a file that no one can read from its beginning")
def test_a_file_that_cannot_be_read_to_the_end(tmp_path: Path) -> None:
    outcome = read_image(Claimed(1, "/proc/self/mem", 0, 0), LIMIT)
    assert isinstance(outcome, Failed)
    assert outcome.kind == "unreadable"
    assert "Input/output error" in outcome.reason
    assert "dfscan retry" in outcome.reason


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_may_not_be_opened(tmp_path: Path, make_picture: MakePicture) -> None:
    path = make_picture(tmp_path / "a.jpg")
    path.chmod(0)
    outcome = read_image(claimed(path), LIMIT)
    assert isinstance(outcome, Failed)
    assert outcome.kind == "unreadable"
    assert "Permission denied" in outcome.reason


def test_reading_leaves_no_file_open_and_no_trace(tmp_path: Path, make_picture: MakePicture) -> None:
    path = make_picture(tmp_path / "a.jpg")
    before, opened = path.stat(), len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0
    read_image(claimed(path), LIMIT)
    read_image(claimed(path), 1)
    assert (path.stat().st_mtime_ns, path.stat().st_ctime_ns) == (before.st_mtime_ns, before.st_ctime_ns)
    if sys.platform == "linux":
        assert len(os.listdir("/proc/self/fd")) == opened
