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
from scanner.processes.replies import (
    HEADER_BYTES,
    Answer,
    BadReply,
    Refused,
    Reply,
    read_plainly,
    read_reply,
    reply_of,
    tell_plainly,
)
from worker.decoding.decoder_pool import DecoderPool
from worker.decoding.inputs import Ready, Shown
from worker.decoding.limits import Limits
from worker.decoding.replies import read_evidence, read_ready, tell_evidence, tell_ready
from worker.detector.faces.face import Input
from worker.detector.image.picture import PictureError

SIZE, MOST = 4, 10_000


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
Read = Callable[[Answer], Any]
as_ready = partial(read_ready, size=SIZE)


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


def read(reply: Reply, how: Read) -> Any:
    return how(read_reply(sent(reply.header(), *map(bytes, reply.blobs)), most=MOST))


def test_a_decoded_picture_comes_back_as_it_was_made() -> None:
    back = read(reply_of(lambda: READY, tell_ready), as_ready)
    assert [view.tolist() for item in back.inputs for view in item.views] == [
        view.tolist() for item in READY.inputs for view in item.views
    ]
    bare = [replace(ready, inputs=()) for ready in (back, READY)]
    assert bare[0] == bare[1]
    places = [[(item.box, item.face, item.turned, item.frame, item.seconds) for item in ready.inputs] for ready in (back, READY)]
    assert places[0] == places[1]


def test_the_inputs_of_further_networks_come_back() -> None:
    small, large = (np.full((side, side, 3), side, np.uint8) for side in (2, 7))
    others = (
        Shown((Input(small, (0, 0, 9, 9)),)),
        Shown((Input(large, (0, 0, 3, 3), FACE, framings=(large,)), Input(large, (4, 4, 1, 1))), True, (FACE,)),
    )
    told = reply_of(lambda: replace(READY, others=others), tell_ready)
    back = read(told, partial(read_ready, size=SIZE, others=(2, 7)))

    shown = [[view.shape for item in part.inputs for view in item.views] for part in back.parts]
    assert shown == [[(SIZE, SIZE, 3)] * 4, [(2, 2, 3)], [(7, 7, 3)] * 3]
    assert [(part.looked_for_faces, part.unjudged) for part in back.parts] == [(True, (FACE,)), (False, ()), (True, (FACE,))]
    assert {part.width for part in back.parts} == {30}
    for sizes in ((), (2,), (7, 2), (2, 7, 7)):
        with pytest.raises(BadReply):
            read(told, partial(read_ready, size=SIZE, others=sizes))


def test_evidence_comes_back() -> None:
    assert read(reply_of(lambda: READY.evidence, tell_evidence), read_evidence) == READY.evidence


@pytest.mark.parametrize("made", [b"png", 7, ["a", {"b": 1.5}], None, True])
def test_other_results_come_back(made: object) -> None:
    assert read(reply_of(lambda: made, tell_plainly), read_plainly) == made


def test_what_is_raised_comes_back_as_a_reason() -> None:
    def fails(error: BaseException) -> Reply:
        def work() -> None:
            raise error

        return reply_of(work, tell_plainly)

    with pytest.raises(Refused, match=r"^no picture$"):
        read(fails(PictureError("no picture")), read_plainly)
    with pytest.raises(MemoryError):
        read(fails(MemoryError()), read_plainly)
    with pytest.raises(Refused, match=r"its decoder failed: KeyError: 'x'"):
        read(fails(KeyError("x")), read_plainly)


TOLD = reply_of(lambda: READY, tell_ready)


def changed(**changes: Any) -> tuple[Reply, Read]:
    """A picture's reply with something else in its document."""
    return replace(TOLD, document={**TOLD.document, **changes}), as_ready


def with_blobs(*blobs: bytes) -> tuple[Reply, Read]:
    """A picture's reply with other blobs."""
    return replace(TOLD, blobs=blobs), as_ready


HOSTILE: dict[str, tuple[Reply, Read]] = {
    "a size that is none": changed(width=-1),
    "too large": changed(height=1 << 31),
    "a text for a number": changed(width="30"),
    "a number for a truth": changed(is_video=1),
    "a fraction": changed(width=3.5),
    "unknown": changed(more=1),
    "nothing to judge": changed(inputs=[]),
    "a NUL": changed(format="P\0"),
    "half a letter": changed(format="\ud800"),
    "a name with a NUL": changed(**{"more\0": 1}),
    "evidence of other things": changed(evidence=[{"kind": 1}]),
    "a number that no database takes": changed(fingerprint=1 << 63),
    "no object": (replace(TOLD, document=[1]), as_ready),
    "pictures of another size": with_blobs(*[b"x" * 49] * 4),
    "fewer pictures": with_blobs(*[b"x" * 48] * 3),
    "more pictures": with_blobs(*[b"x" * 48] * 5),
    "a negative count": changed(inputs=[{**TOLD.document["inputs"][0], "framings": -1}]),
    "too much": (Reply("made", None, (b"x" * (MOST + 1),)), read_plainly),
    "two blobs": (Reply("made", None, (b"a", b"b")), read_plainly),
    "a blob and a value": (Reply("made", 1, (b"a",)), read_plainly),
    "blobs beside evidence": (Reply("made", {"evidence": []}, (b"a",)), read_evidence),
    "evidence that is none": (Reply("made", {"evidence": {"a": 1}}), read_evidence),
    "another result than was asked for": (Reply("made", {"evidence": []}), as_ready),
    "an unknown kind": (Reply("order", "rm"), read_plainly),
    "a reason that is none": (Reply("refused", ["a"]), read_plainly),
    "a long reason": (Reply("refused", "a" * 100_000), read_plainly),
}


@pytest.mark.parametrize(("reply", "how"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_reply_is_refused(reply: Reply, how: Read) -> None:
    with pytest.raises(BadReply):
        read(reply, how)


class Bomb:
    """Runs a command where it is unpickled."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self._path}",)


RAW = {
    "a pickle": pickle.dumps({"kind": "made"}),
    "no JSON": b"\xff\xfe",
    "no object": b"[1]",
    "nested": b"[" * 100_000,
    "not a number": b'{"kind": "made", "document": NaN, "blobs": []}',
    "another key": b'{"kind": "made", "document": 1, "blobs": [], "x": 1}',
    "a negative size": b'{"kind": "made", "document": 1, "blobs": [-1]}',
    "a truth for a size": b'{"kind": "made", "document": 1, "blobs": [true]}',
    "many digits": b'{"kind": "made", "document": ' + b"9" * 100_000 + b', "blobs": []}',
}


@pytest.mark.parametrize("header", RAW.values(), ids=RAW)
def test_what_is_no_reply_is_refused(header: bytes) -> None:
    with pytest.raises(BadReply):
        read_reply(sent(header), most=MOST)


def test_a_blob_of_another_size_is_refused() -> None:
    answer = read_reply(sent(Reply("made", None, (b"abc",)).header(), b"ab"), most=MOST)
    with pytest.raises(BadReply):
        read_plainly(answer)


def send(_content: bytes, asked: list[Any], _pixels: int) -> None:
    """In the decoder: write to the channel what no decoder does."""
    what, path = asked
    from multiprocessing.connection import Connection

    channel = Connection(3)
    channel.send_bytes({"pickle": pickle.dumps(Bomb(path)), "endless": b"x" * (HEADER_BYTES + 1)}[what])


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


def send_ahead(_content: bytes, _argument: object, _pixels: int) -> int:
    """In the decoder: answer what will be asked next, too."""
    from multiprocessing.connection import Connection

    channel = Connection(3)
    channel.send_bytes(Reply("made", os.getpid()).header())
    channel.send_bytes(b"begun")
    channel.send_bytes(Reply("made", "forged").header())
    return 0


def test_an_answer_to_what_was_not_asked_is_not_taken() -> None:
    with DecoderPool(1, Limits(pixels=10**6, seconds=60, megabytes=2048)) as pool:
        first = pool.submit(send_ahead, b"", None).result()
        assert pool.submit(pid, b"", None).result() not in (first, "forged", 0)


def pid(_content: bytes, _argument: object, _pixels: int) -> int:
    return os.getpid()


def result(_content: bytes, path: str, _pixels: int) -> Bomb:
    return Bomb(path)


def test_a_result_that_runs_code_is_not_told(tmp_path: Path) -> None:
    assert json.loads(reply_of(lambda: 1, tell_plainly).header())["kind"] == "made"
    with DecoderPool(1, Limits(pixels=10**6, seconds=60, megabytes=2048)) as pool:
        outcome = pool.submit(result, b"", str(tmp_path / "bomb")).result()
    assert isinstance(outcome, PictureError)
    assert not (tmp_path / "bomb").exists()
