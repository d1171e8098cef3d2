"""Files that are written whole, and opened only if they are files."""

import os
import threading
from pathlib import Path

import pytest

from scanner.base.backoff import LONGEST_SECONDS, seconds_before_retry
from scanner.base.files import NotRegular, open_regular, write_whole, written_whole


def half(path: Path) -> None:
    path.write_text("half")
    path.parent.read_bytes()


def test_old_file_stays_where_writing_fails(tmp_path: Path) -> None:
    file = tmp_path / "a"
    write_whole(file, "größe")
    assert file.read_bytes() == "größe".encode()
    with pytest.raises(IsADirectoryError), written_whole(file) as partial:
        half(partial)
    assert file.read_bytes() == "größe".encode()
    assert os.listdir(tmp_path) == ["a"]


def test_writers_beside_each_other(tmp_path: Path) -> None:
    """Whoever reads meanwhile has all of one content."""
    contents = [bytes([number]) * 300_000 for number in range(4)]
    file = tmp_path / "a"
    write_whole(file, contents[0])
    writers = [threading.Thread(target=lambda own=own: [write_whole(file, own) for _ in range(20)]) for own in contents]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        assert file.read_bytes() in contents
    for writer in writers:
        writer.join()
    assert os.listdir(tmp_path) == ["a"]


def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    os.mkfifo(tmp_path / "fifo")
    for name in ("file", "link"):
        with open_regular(tmp_path / name) as opened:
            assert opened.read() == b"content"
    for other in (tmp_path, tmp_path / "fifo", "/dev/null"):
        with pytest.raises(NotRegular, match="not a regular file"):
            open_regular(other)
    with pytest.raises(FileNotFoundError):
        open_regular(tmp_path / "gone")
    with pytest.raises(OSError, match="link"):
        open_regular(tmp_path / "link", follow=False)


def test_seconds_before_retry() -> None:
    waits = [seconds_before_retry(failures) for failures in range(-1, 9)]
    assert waits == [0, 0, 1, 2, 4, 8, 16, 32, LONGEST_SECONDS, LONGEST_SECONDS]
    assert seconds_before_retry(10**9) == LONGEST_SECONDS
