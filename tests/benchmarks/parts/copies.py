"""What one picture costs on its way to the network and back: bytes between processes, CPU time of each side.

A byte that a process sends as it is, is copied into the kernel and out of it. What is counted beside are the file as it is
read, the decoded picture, and the inputs as they are put together for the network. The network itself takes no part.

The same bytes are also sent as they were until 2026-11-26: the file in a pickle, and both as messages of `Connection`.
"""

import hashlib
import json
import multiprocessing
import os
import pickle
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from time import process_time

import numpy as np
import psutil

from scanner.base.documents import to_document
from scanner.processes.raw_bytes import receive_raw, send_raw
from worker.decoding.decoder_pool import DecoderPool
from worker.decoding.inputs import Ready
from worker.decoding.limits import Limits
from worker.decoding.replies import tell_ready
from worker.detector.image.picture import decode_rgb, prepare_pillow

from ..bare import MAX_PIXELS
from ..measure import Figure, Sizes, in_turn, medians
from ..pictures import write_face_sized, write_photos

SIZE = 192  # of the input of `lite`
# How often a byte is copied on its way to where it stays, counted by hand in the code of `pickle` and `Connection`: into the
# pickle and out of it, into the kernel and out of it, into the receiver's buffer and out of it; inputs without the pickle.
THEN, NOW = "by messages", "as they are"
FILE_COPIES, INPUT_COPIES = {THEN: 6, NOW: 2}, {THEN: 4, NOW: 2}


def measure(sizes: Sizes) -> Iterator[Figure]:
    """Bytes and milliseconds of a core for each picture; faces are not looked for, which costs most where it is done."""
    prepare_pillow()
    with tempfile.TemporaryDirectory() as place:
        for name, paths in (
            ("256 x 256", write_face_sized(Path(place) / "face-sized", min(sizes.images, 200))),
            ("12 MP", write_photos(Path(place) / "photos", min(sizes.photos, 16))),
        ):
            yield from _of(name, paths, sizes.runs)


def _of(name: str, paths: Sequence[Path], runs: int) -> Iterator[Figure]:
    reading, contents = zip(*(_timed(lambda path=path: _read(path)) for path in paths), strict=True)
    asking, decoding, ready = [], [], list[Ready]()
    with DecoderPool(1, Limits(MAX_PIXELS, 60.0, 2000)) as decoders:
        decoders.warm_up()
        for _ in range(runs):
            before, took_before = _of_children(), process_time()
            found = [future.result() for future in [decoders.begin(content, SIZE) for content in contents]]
            asking.append((process_time() - took_before) / len(paths))
            decoding.append((_of_children() - before) / len(paths))
            ready = [one for one in found if isinstance(one, Ready)]
    inputs = [[np.ascontiguousarray(view).data.cast("B") for item in one.inputs for view in item.views] for one in ready]
    stacking, _ = _timed(lambda: np.stack([view for one in ready for item in one.inputs for view in item.views]))
    for what, value in (
        ("the file", median(map(len, contents))),
        ("the picture as it is decoded", median(_decoded_bytes(content) for content in contents[:16])),
        ("the answer's header", median(len(json.dumps(to_document(tell_ready(one).document))) for one in ready)),
        ("the inputs", median(sum(view.nbytes for item in one.inputs for view in item.views) for one in ready)),
    ):
        yield Figure(f"{name}: bytes of {what}", value, "bytes")
    for what, seconds in (
        ("read and hashed", median(reading)),
        ("the decoder asked and its answer read", median(asking)),
        ("decoded, in a process of its own", median(decoding)),
        ("put together for the network", stacking / len(ready)),
    ):
        yield Figure(f"{name}: {what}", 1000 * seconds, "ms CPU")
    yield from _sent(name, contents, inputs, runs)


def _sent(name: str, contents: Sequence[bytes], inputs: Sequence[Sequence[memoryview]], runs: int) -> Iterator[Figure]:
    """What is copied on the way to a process and back, and the CPU time of both ends: as it was sent, and as it is."""
    took = medians(in_turn(runs, process_time, **{way: lambda way=way: _exchange(way, contents, inputs) for way in (THEN, NOW)}))
    file, back = median(map(len, contents)), median(sum(map(len, views)) for views in inputs)
    copied = {way: FILE_COPIES[way] * file + INPUT_COPIES[way] * back for way in (THEN, NOW)}
    yield Figure(f"{name}: bytes copied, sent {THEN}", copied[THEN], "bytes")
    yield Figure(f"{name}: bytes copied, sent {NOW}", copied[NOW], "bytes", copied[NOW] / copied[THEN], THEN)
    yield Figure(f"{name}: both ends, sent {THEN}", 1000 * took[THEN] / len(contents), "ms CPU")
    yield Figure(f"{name}: both ends, sent {NOW}", 1000 * took[NOW] / len(contents), "ms CPU", took[NOW] / took[THEN], THEN)


def _exchange(way: str, contents: Sequence[bytes], inputs: Sequence[Sequence[memoryview]]) -> None:
    """Files there and inputs back, one picture after the other. The other end is a thread, so that one clock knows both."""
    ours, theirs = multiprocessing.Pipe()
    with ours, theirs:
        thread = threading.Thread(target=_answer, args=(way, theirs, contents, inputs))
        thread.start()
        for content, views in zip(contents, inputs, strict=True):
            if way == THEN:
                ours.send_bytes(pickle.dumps((len, [content]), protocol=5))
            else:
                send_raw(ours, content)
            for view in views:
                ours.recv_bytes() if way == THEN else receive_raw(ours, len(view))
        thread.join()


def _answer(way: str, channel: Connection, contents: Sequence[bytes], inputs: Sequence[Sequence[memoryview]]) -> None:
    for content, views in zip(contents, inputs, strict=True):
        pickle.loads(channel.recv_bytes()) if way == THEN else receive_raw(channel, len(content))
        for view in views:
            channel.send_bytes(view) if way == THEN else send_raw(channel, view)


def _read(path: Path) -> bytes:
    content = path.read_bytes()
    hashlib.sha256(content).hexdigest()
    return content


def _decoded_bytes(content: bytes) -> int:
    width, height = decode_rgb(content, max_pixels=MAX_PIXELS, short_side=SIZE).picture.size
    return 3 * width * height


def _of_children() -> float:
    """CPU seconds of all processes below this one, so far."""
    times = [child.cpu_times() for child in psutil.Process(os.getpid()).children(recursive=True)]
    return sum(one.user + one.system for one in times)


def _timed(work: Callable[[], object]) -> tuple[float, object]:
    began = process_time()
    made = work()
    return process_time() - began, made
