"""Content credentials of files that are signed here: valid, tampered with, broken, and never fetched."""

import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from signing import TRAINED, signed

from scanner.domain.evidence import filed_under
from worker.evidence.gathering import gather

from .conftest import PARAMETERS, found, png

CREATED = {"action": "c2pa.created", "digitalSourceType": TRAINED.replace("trainedAlgorithmicMedia", "digitalCapture")}


def test_signed_picture_is_valid(generated: bytes) -> None:
    """A signed picture is valid and says how it was made."""
    traces = found(generated)
    assert set(traces) == {
        ("c2pa", "valid"),
        ("c2pa", "edited"),
        ("source-type", "trainedAlgorithmicMedia"),
        ("generator", "openai"),
    }
    assert "Test Signer" in traces["c2pa", "valid"].text
    assert "not checked" in traces["c2pa", "valid"].text
    assert "c2pa.color_adjustments" in traces["c2pa", "edited"].text
    assert filed_under(traces.values()) == {"any", "c2pa", "edited", "generated", "generator", "source-type"}


def test_a_picture_changed_after_signing(generated: bytes) -> None:
    tampered = bytearray(generated)
    tampered[-200] ^= 0xFF
    traces = found(bytes(tampered))
    assert ("c2pa", "valid") not in traces
    assert "dataHash.mismatch" in traces["c2pa", "changed"].text
    assert "(changed)" in traces["source-type", "trainedAlgorithmicMedia"].text
    assert "invalid" in filed_under(traces.values())


def test_a_broken_record_breaks_nothing(generated: bytes) -> None:
    at = generated.index(b"c2pa.actions")
    for start, length in ((at + 100, 100), (at - 50, 30), (at + 20, 400)):
        broken = generated[:start] + bytes(length) + generated[start + length :]
        assert ("c2pa", "not-understood") in found(broken)
    assert gather(generated[: at + 50], "JPEG")


def test_a_png_can_be_signed_too(picture: Path, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(("parameters", PARAMETERS)))
    traces = found(signed(tmp_path / "a.png", actions=[CREATED]), "PNG")
    assert ("c2pa", "valid") in traces
    assert ("generator", "stable-diffusion") in traces
    assert ("c2pa", "edited") not in traces


def test_record_without_the_package(generated: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package a record is told but not verified."""
    monkeypatch.setitem(sys.modules, "c2pa", None)
    traces = found(generated)
    assert set(traces) == {("c2pa", "unverified")}
    assert "install the extra `provenance`" in traces["c2pa", "unverified"].text


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    """A server that waits to be asked; it never answers."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        server.setblocking(False)
        yield server


def test_nothing_is_fetched(picture: Path, listening: socket.socket) -> None:
    """Neither the certificate's status nor a record that lies elsewhere is asked for, though the file names where."""
    url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
    assert ("c2pa", "valid") in found(signed(picture, actions=[CREATED], status_url=url))
    apart = signed(picture, actions=[CREATED], remote_url=f"{url}manifest.c2pa")
    assert set(found(apart)) == {("c2pa", "elsewhere")}
    with pytest.raises(BlockingIOError):
        listening.accept()
