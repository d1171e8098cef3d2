"""How many pictures `import dfscan` has in memory at once."""

from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import dfscan
from dfscan import detector
from worker.detector.image.picture import PictureError


@pytest.mark.parametrize(
    ("given", "set_to", "at_once"), [(None, None, 16), (None, "4", 4), (None, "64", 16), (40, None, 40), (2, "4", 2)]
)
def test_a_few_are_in_memory_unless_more_are_asked_for(
    given: int | None, set_to: str | None, at_once: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker may claim more, as it knows what their inputs take."""
    begun: list[bytes] = []

    def begin(content: bytes, *_: Any, **__: Any) -> "Future[PictureError]":
        begun.append(content)
        failed: Future[PictureError] = Future()
        failed.set_result(PictureError("no picture"))
        return failed

    if set_to:
        monkeypatch.setenv("DFSCAN_BATCH_SIZE", set_to)
    wanted = SimpleNamespace(size=8, shown=None)
    card = SimpleNamespace(threshold=0.9, band_low=0.5, whole_images=True)
    monkeypatch.setattr(detector, "load_scorer", lambda *_: SimpleNamespace(card=card, wanted=[wanted]))
    monkeypatch.setattr(detector, "judge", lambda *_: [])
    monkeypatch.setattr(detector, "DecoderPool", lambda *_, **__: SimpleNamespace(begin=begin))

    loaded = dfscan.load("lite", batch=given, data_dir=tmp_path)
    first = next(iter(loaded.predict([b"picture"] * 100)))

    assert first.error == "no picture"
    assert len(begun) == at_once
