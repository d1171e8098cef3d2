"""What comes back from a decoder process: all that it may say, and nothing else, whatever it sends."""

import json
import os
import pickle
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scanner.domain.evidence import Evidence
from scanner.domain.prediction import Face
from worker.decoding import replies
from worker.decoding.decoder_pool import DecoderPool, Limits
from worker.decoding.inputs import Ready
from worker.decoding.replies import BadReply, Reply, read_reply, reply_of
from worker.detector.faces.face import Input
from worker.detector.image.picture import PictureError

SIZE, MOST = 4, 10_000
KINDS = ("ready", "bytes", "evidence", "value")


def view(shade: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.full((SIZE, SIZE, 3), shade, np.uint8)


FACE = Face((1, 2, 3, 4), 0.5, frame=2)
READY = Ready(
    (Input(view(1), (0, 0, 4, 4), FACE, 3.5, 1, 0.25, (view(2), view(3))), Input(view(9), (1, 1, 2, 2))),
    "PNG",
    30,
    20,
    looked_for_faces=True,
    unjudged=(FACE,),
    evidence=(Evidence("file", "damaged", "cut", "the file"),),
    fingerprint=-(1 << 63),
    is_signed=True,
)


def sent(header: bytes, *blobs: bytes) -> Callable[[int], bytes]:
    """What a channel gives: one message after the other, none longer than asked for."""
    messages = iter((header, *blobs))

    def receive(most: int) -> bytes:
        message = next(messages, None)
        if message is None:
            raise EOFError
        if len(message) > most:
            raise BadReply("too long")
        return message

    return receive


def read(reply: Reply, kinds: tuple[str, ...] = KINDS) -> Any:
    return read_reply(sent(reply.header(), *map(bytes, reply.blobs)), kinds=kinds, size=SIZE, most=MOST)


def test_a_decoded_picture_comes_back_as_it_was_made() -> None:
    back = read(reply_of(lambda: READY))
    assert [view.tolist() for item in back.inputs for view in item.views] == [
        view.tolist() for item in READY.inputs for view in item.views
    ]
    bare = [replace(ready, inputs=()) for ready in (back, READY)]
    assert bare[0] == bare[1]
    places = [[(item.box, item.face, item.turned, item.frame, item.seconds) for item in ready.inputs] for ready in (back, READY)]
    assert places[0] == places[1]


@pytest.mark.parametrize("made", [b"png", READY.evidence, 7, ["a", {"b": 1.5}], None, True])
def test_other_results_come_back(made: object) -> None:
    assert read(reply_of(lambda: made)) == made


def test_what_is_raised_comes_back_as_a_reason() -> None:
    def fails(error: BaseException) -> None:
        raise error

    with pytest.raises(PictureError, match=r"^no picture$"):
        read(reply_of(partial(fails, PictureError("no picture"))))
    with pytest.raises(MemoryError):
        read(reply_of(partial(fails, MemoryError())))
    with pytest.raises(PictureError, match=r"its decoder failed: KeyError: 'x'"):
        read(reply_of(partial(fails, KeyError("x"))))


def changed(**changes: Any) -> Reply:
    """A picture's reply with something else in its document."""
    reply = reply_of(lambda: READY)
    return replace(reply, document={**reply.document, **changes})


HOSTILE = {
    "a size that is none": changed(width=-1),
    "too large": changed(height=1 << 31),
    "a text for a number": changed(width="30"),
    "a number for a truth": changed(is_video=1),
    "a fraction": changed(width=3.5),
    "unknown": changed(more=1),
    "nothing to judge": changed(inputs=[]),
    "a NUL": changed(format="P\0"),
    "half a letter": changed(format="\ud800"),
    "evidence of other things": changed(evidence=[{"kind": 1}]),
    "a number that no database takes": changed(fingerprint=1 << 63),
    "pictures of another size": replace(reply_of(lambda: READY), blobs=(b"x" * 49,) * 4),
    "fewer pictures": replace(reply_of(lambda: READY), blobs=(b"x" * 48,) * 3),
    "more pictures": replace(reply_of(lambda: READY), blobs=(b"x" * 48,) * 5),
    "a negative count": changed(inputs=[{**reply_of(lambda: READY).document["inputs"][0], "framings": -1}]),
    "too much": Reply("bytes", None, (b"x" * (MOST + 1),)),
    "two blobs": Reply("bytes", None, (b"a", b"b")),
    "blobs beside evidence": Reply("evidence", [], (b"a",)),
    "evidence that is none": Reply("evidence", {"a": 1}),
    "an unknown kind": Reply("order", "rm"),
    "a reason that is none": Reply("refused", ["a"]),
    "a long reason": Reply("refused", "a" * 100_000),
}


@pytest.mark.parametrize("reply", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_reply_is_refused(reply: Reply) -> None:
    with pytest.raises(BadReply):
        read(reply)


class Bomb:
    """Runs a command where it is unpickled."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self._path}",)


RAW = {
    "a pickle": pickle.dumps({"kind": "value"}),
    "no JSON": b"\xff\xfe",
    "no object": b"[1]",
    "nested": b"[" * 100_000,
    "not a number": b'{"kind": "value", "document": NaN, "blobs": []}',
    "another key": b'{"kind": "value", "document": 1, "blobs": [], "x": 1}',
    "a negative size": b'{"kind": "bytes", "document": 1, "blobs": [-1]}',
    "a truth for a size": b'{"kind": "bytes", "document": 1, "blobs": [true]}',
    "many digits": b'{"kind": "value", "document": ' + b"9" * 100_000 + b', "blobs": []}',
}


@pytest.mark.parametrize("header", RAW.values(), ids=RAW)
def test_what_is_no_reply_is_refused(header: bytes) -> None:
    with pytest.raises(BadReply):
        read_reply(sent(header), kinds=KINDS, size=SIZE, most=MOST)


def test_only_what_was_asked_for_is_taken() -> None:
    with pytest.raises(BadReply):
        read(reply_of(lambda: b"bytes"), kinds=("ready",))
    with pytest.raises(BadReply):
        read_reply(sent(Reply("bytes", None, (b"abc",)).header(), b"ab"), kinds=KINDS, size=SIZE, most=MOST)


def send(_content: bytes, asked: list[Any], _pixels: int) -> None:
    """In the decoder: write to the channel what no decoder does."""
    what, path = asked
    from multiprocessing.connection import Connection

    channel = Connection(3)
    channel.send_bytes({"pickle": pickle.dumps(Bomb(path)), "endless": b"x" * (replies.HEADER_BYTES + 1)}[what])


@pytest.mark.parametrize("what", ["pickle", "endless"])
def test_a_decoder_that_answers_otherwise_is_ended(tmp_path: Path, what: str) -> None:
    """Nothing of its answer runs in the worker; the next picture has a new process."""
    with DecoderPool(1, Limits(pixels=10**6, seconds=60, megabytes=2048)) as pool:
        first = pool.submit(pid, b"", None).result()
        outcome = pool.submit(send, b"", [what, str(tmp_path / "bomb")]).result()
        assert isinstance(outcome, PictureError)
        assert "what no decoder does" in str(outcome)
        assert not (tmp_path / "bomb").exists()
        assert pool.submit(pid, b"", None).result() not in (first, None)


def pid(_content: bytes, _argument: object, _pixels: int) -> int:
    return os.getpid()


def result(_content: bytes, path: str, _pixels: int) -> Bomb:
    return Bomb(path)


def test_a_result_that_runs_code_is_not_told(tmp_path: Path) -> None:
    assert json.loads(reply_of(lambda: 1).header())["kind"] == "value"
    with DecoderPool(1, Limits(pixels=10**6, seconds=60, megabytes=2048)) as pool:
        outcome = pool.submit(result, b"", str(tmp_path / "bomb")).result()
    assert isinstance(outcome, PictureError)
    assert not (tmp_path / "bomb").exists()
