"""Pictures for people to look at: decoded in limited processes, real ones, and only where they are still what was judged."""

import hashlib
import os
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from files.videos import write_video
from PIL import Image

from scanner.media.looking import looker as module
from scanner.media.looking.looker import Looker
from scanner.media.looking.not_shown import ChangedSince, NotShown
from scanner.media.looking.views import Seen

LOOKS: dict[str, Callable[[Looker, str, str | None], Seen]] = {
    "small": lambda looker, path, sha256: looker.small(path, 64, sha256),
    "whole": lambda looker, path, sha256: looker.whole(path, sha256),
    "frame": lambda looker, path, sha256: looker.frame(path, 0, None, sha256),
    "examined": lambda looker, path, sha256: looker.examined(path, "noise", 0, None, (50, 40), sha256),
}


@pytest.fixture(scope="module")
def looker() -> Iterator[Looker]:
    made = Looker(1)
    yield made
    made.close()


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """100 x 80 pixels, red."""
    path = tmp_path / "a.png"
    Image.new("RGB", (100, 80), "red").save(path)
    return path


def sha256_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_what_was_judged_is_shown_and_nothing_else(looker: Looker, picture: Path, look: Callable[..., Seen]) -> None:
    """Also where size and times were put back to what they were."""
    judged, before = sha256_of(picture), picture.stat()
    assert look(looker, str(picture), judged).picture.size in {(64, 51), (100, 80), (50, 40)}
    content = picture.read_bytes()
    Image.new("RGB", (100, 80), "blue").save(picture)
    picture.write_bytes(picture.read_bytes().ljust(len(content), b"\0")[: len(content)])
    os.utime(picture, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(ChangedSince, match="changed since it was judged"):
        look(looker, str(picture), judged)


def test_a_video_that_was_replaced_is_not_shown(looker: Looker, tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", [Image.new("RGB", (64, 48), "green")] * 5)
    judged = sha256_of(path)
    for _ in range(2):
        seen = looker.small(str(path), 32, judged)
        assert seen.picture.size == (32, 24)
        assert seen.picture.getpixel((9, 9))[1] > 90
    assert looker.frame(str(path), 2, 0.1, judged).picture.size == (64, 48)
    before = path.stat()
    other = write_video(tmp_path / "b.mp4", [Image.new("RGB", (64, 48), "red")] * 5)
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    os.replace(other, path)
    with pytest.raises(ChangedSince):
        looker.small(str(path), 32, judged)


def test_nothing_is_decoded_here(looker: Looker, picture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise AssertionError("decoded in this process")

    monkeypatch.setattr(Image, "open", fail)
    for look in LOOKS.values():
        look(looker, str(picture), None)
    assert looker.confined is not None
    assert looker.confined.environment


@pytest.fixture(scope="module")
def large_png() -> bytes:
    """A black picture of 98 megapixels, small as a file."""
    side = 9_900

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    packer = zlib.compressobj(1)
    rows = b"".join(packer.compress(bytes(side * 3 + 1)) for _ in range(side)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize(("limits", "why"), [({"seconds": 0.01}, "took longer"), ({"megabytes": 350}, "memory")])
def test_a_file_that_costs_too_much_costs_itself(
    tmp_path: Path, picture: Path, large_png: bytes, limits: dict[str, int], why: str
) -> None:
    (tmp_path / "large.png").write_bytes(large_png)
    looker = Looker(1, **limits)  # type: ignore[arg-type]
    with pytest.raises(NotShown, match=why):
        looker.whole(str(tmp_path / "large.png"))
    looker.close()
    with pytest.raises(NotShown, match="no decoder can be started"):
        looker.whole(str(picture))


@pytest.mark.parametrize("content", [b"", b"no picture", b"\xff\xd8\xff\xe0 broken"])
def test_what_is_no_picture_has_a_reason(looker: Looker, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(NotShown):
        looker.whole(str(tmp_path / "a.jpg"))
    with pytest.raises(NotShown, match="No such file"):
        looker.whole(str(tmp_path / "gone.jpg"))


@pytest.mark.skipif(os.name == "nt", reason="has no FIFOs")
def test_what_is_no_file_is_not_waited_for(looker: Looker, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.jpg")
    with pytest.raises(NotShown, match="no file"):
        looker.small(str(tmp_path / "a.jpg"), 64)


def test_a_file_that_is_too_large_is_not_read(looker: Looker, picture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FILE_BYTES", 10)
    with pytest.raises(NotShown, match="more than"):
        looker.small(str(picture), 64)
