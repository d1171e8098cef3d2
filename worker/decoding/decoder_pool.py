"""Decoding in separate, limited processes: a decoder that crashes, hangs or eats memory costs one file, not the worker.

The processes import this module and no torch, so that they start quickly and stay small. They are confined
(`scanner.processes`): what takes one over can neither write, connect, start anything nor read what is none of its business.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from functools import partial
from io import BufferedReader
from typing import Any, TypeVar

from scanner.base.files import open_regular
from scanner.domain.evidence import Evidence
from scanner.processes.confinement import Confined
from scanner.processes.limits import limit_process
from scanner.processes.pool import ProcessPool
from scanner.processes.replies import Answer, Made, read_plainly, tell_plainly
from scanner.processes.together import apart, do_each, together
from scanner.processes.work import Work

from ..detector.faces.face_crops import FaceInputs
from ..detector.faces.face_finder import process_face_finder
from ..detector.faces.input_selection import Looked, Wanted, look_for, look_through
from ..detector.image.picture import PictureError, prepare_pillow
from ..evidence.gathering import gather, gather_signed, merged, unread_record
from ..evidence.manifests import has_record
from .fingerprint import fingerprint
from .inputs import Ready, Shown
from .limits import Limits
from .replies import read_evidence, read_ready, tell_evidence, tell_ready
from .troubles import DecodersFail, DecoderTrouble, PoolBroke, needs_too_much, reason_of
from .video_frames import Video, sampled_frames

# A process is replaced after this many pictures, so that no decoder's leak grows.
PICTURES_PER_PROCESS = 2000
BREAKS_IN_A_ROW = 50
# What they import before they are confined.
MODULES = tuple(f"{__package__}.{name}" for name in ("readers", "decoder_pool", "overlay")) + tuple(
    work.__module__ for work in (gather_signed, do_each, os.getpid)
)
# What a signed record may take, and how often it is tried: its decoder may end through no fault of it.
RECORD_SECONDS, RECORD_TRIES = 20.0, 2
_PLAIN = FaceInputs()
# So many small pictures are asked for at once, at most.
_TOGETHER = 16

T = TypeVar("T")
# How what a process made is told by it, and read here.
_Told = tuple[Callable[[Any], Made], Callable[[Answer], Any]]
_PLAINLY: _Told = (tell_plainly, read_plainly)
_EVIDENCE: _Told = (tell_evidence, read_evidence)


class DecoderPool:
    """Decoder processes. Use as a context manager: leaving it ends them."""

    def __init__(self, processes: int, limits: Limits, *, faces: bool = False, scaled: bool = True) -> None:
        """With `faces`, each process loads the face finder; `require_face_finder` says beforehand whether it can.

        Large JPEGs are decoded at a smaller scale unless they are not to be `scaled`.
        """
        self._limits = limits
        self._faces = faces
        self._scaled = scaled
        self._processes = processes
        self._breaks = 0
        self._pool = ProcessPool(
            processes,
            partial(_prepare_process, limits.megabytes, faces),
            modules=MODULES,
            most_works=PICTURES_PER_PROCESS,
            most_bytes=limits.megabytes << 20,
        )

    def __enter__(self) -> "DecoderPool":
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.close()

    def warm_up(self) -> Confined:
        """Start the processes before the first picture comes; says what confines them."""
        self._schedule(os.getpid, [], self._limits.seconds).result()
        assert self._pool.confined is not None
        return self._pool.confined

    def begin(
        self,
        content: bytes | Video,
        size: int,
        shown: FaceInputs = _PLAIN,
        *,
        faces: bool | None = None,
        others: Sequence[Wanted] = (),
    ) -> "Future[Ready | PictureError | PoolBroke]":
        """Start to decode `content` for inputs of `size` pixels, with its faces `shown` so; a video is read by the decoder.

        `faces` says whether they are looked for in this one; None: as the pool was made. `others` are for further networks.
        A crash or a time-out of its decoder is a reason like any other. The future raises DecodersFail when the pool breaks again
        and again, however often it is made anew.
        """
        asked, told = self._asked(size, shown, faces, others)
        if not isinstance(content, bytes):
            return self._start(_decode, [content, *asked], self._limits.video_seconds, told)
        return self._with_record(self._start(_decode, [content, *asked], self._limits.seconds, told), content)

    def begin_all(
        self,
        contents: Sequence[bytes | Video],
        size: int,
        shown: FaceInputs = _PLAIN,
        *,
        faces: bool | None = None,
        others: Sequence[Wanted] = (),
    ) -> "list[Future[Ready | PictureError | PoolBroke]]":
        """`begin` for each of `contents`, which are asked for several at once: for what is quickly decoded."""
        alone = [partial(self.begin, content, size, shown, faces=faces, others=others) for content in contents]
        asked, (tell, read) = self._asked(size, shown, faces, others)
        # Each process has some, so that all are busy.
        most = max(1, min(_TOGETHER, len(contents) // self._processes))
        told: list[Future[Ready | PictureError | PoolBroke]] = []
        for start in range(0, len(contents), most):
            ones = alone[start : start + most]
            part = [content for content in contents[start : start + most] if isinstance(content, bytes)]
            if 1 < len(part) == len(ones):
                work = together(_decode, part, asked, self._limits.seconds, tell, read)
                pictures = apart(self._pool.schedule(work), ones)
                told += [self._with_record(self._told(one), content) for one, content in zip(pictures, part, strict=True)]
            else:
                told += [begin() for begin in ones]
        return told

    def submit(self, work: Callable[..., T], content: bytes, argument: object) -> "Future[T | PictureError | PoolBroke]":
        """Start `work(content, argument, max_pixels)` in a decoder process; see `begin`. It gives bytes or plain values."""
        return self._start(work, [content, argument, self._limits.pixels], self._limits.seconds)

    def _asked(self, size: int, shown: FaceInputs, faces: bool | None, others: Sequence[Wanted]) -> tuple[list[Any], _Told]:
        """What `_decode` is asked of each content, and how it is told."""
        wanted = (Wanted(size, shown), *others)
        told = (tell_ready, partial(read_ready, size=size, others=[one.size for one in others]))
        return [wanted, self._limits, self._faces if faces is None else faces, self._scaled], told

    def _with_record(
        self, decoded: "Future[Ready | PictureError | PoolBroke]", content: bytes
    ) -> "Future[Ready | PictureError | PoolBroke]":
        """`decoded`, and then its signed record, which another call reads: what becomes of that costs no picture its verdict."""
        told: Future[Ready | PictureError | PoolBroke] = Future()

        def go_on(done: "Future[Ready | PictureError | PoolBroke]") -> None:
            try:
                ready = done.result()
            except Exception as error:
                told.set_exception(error)
                return
            if isinstance(ready, Ready) and ready.is_signed:
                self._read_record(told, ready, content, RECORD_TRIES)
            else:
                told.set_result(ready)

        decoded.add_done_callback(go_on)
        return told

    def _read_record(self, told: "Future[Ready | PictureError | PoolBroke]", ready: Ready, content: bytes, tries: int) -> None:
        try:
            seconds = min(RECORD_SECONDS, self._limits.seconds)
            record = self._schedule(gather_signed, [content, ready.format], seconds, _EVIDENCE)
        except RuntimeError:  # the pool ended meanwhile
            told.set_result(PoolBroke())
        else:
            record.add_done_callback(partial(self._tell_record, told, ready, content, tries - 1))

    def _tell_record(
        self,
        told: "Future[Ready | PictureError | PoolBroke]",
        ready: Ready,
        content: bytes,
        tries: int,
        done: "Future[tuple[Evidence, ...]]",
    ) -> None:
        try:
            signed = self._became(done)
        except Exception as error:
            told.set_exception(error)
            return
        if isinstance(signed, PoolBroke):
            told.set_result(signed)
        elif isinstance(signed, DecoderTrouble) and tries:
            self._read_record(told, ready, content, tries)
        else:
            if isinstance(signed, PictureError):
                signed = (unread_record(f"could not be read: {signed}"),)
            told.set_result(replace(ready, evidence=merged(signed, ready.evidence or ()), is_signed=False))

    def _start(
        self, work: Callable[..., T], arguments: list[Any], seconds: float, told_as: _Told = _PLAINLY
    ) -> "Future[T | PictureError | PoolBroke]":
        content = arguments[0]
        if isinstance(content, bytes) and 3 * len(content) > self._limits.megabytes << 20:
            # It would die of the message itself, before it is at work.
            told: Future[T | PictureError | PoolBroke] = Future()
            told.set_result(needs_too_much(self._limits.megabytes))
            return told
        return self._told(self._schedule(work, arguments, seconds, told_as))

    def _told(self, future: "Future[T]") -> "Future[T | PictureError | PoolBroke]":
        """What becomes of it for a picture."""
        told: Future[T | PictureError | PoolBroke] = Future()

        def tell(done: "Future[T]") -> None:
            try:
                became = self._became(done)
                told.set_result(became)
            except Exception as error:  # a bug of ours in the decoder, or DecodersFail: for who collects it
                told.set_exception(error)

        future.add_done_callback(tell)
        return told

    def _became(self, done: "Future[T]") -> T | PictureError | PoolBroke:
        try:
            ready = done.result()
            if not isinstance(ready, PictureError | PoolBroke):
                self._breaks = 0
            return ready
        except (BrokenProcessPool, CancelledError) as error:
            self._breaks += 1
            if self._breaks > BREAKS_IN_A_ROW:
                raise DecodersFail(f"the decoder processes die again and again: {error}") from error
            return PoolBroke()
        except Exception as error:
            if (reason := reason_of(error, self._limits.megabytes)) is None:
                raise
            return reason

    def _schedule(self, work: Callable[..., T], arguments: list[Any], seconds: float, told_as: _Told = _PLAINLY) -> "Future[T]":
        opened = partial(open_regular, arguments[0].path) if arguments and isinstance(arguments[0], Video) else None
        return self._pool.schedule(Work(work, arguments, seconds, *told_as, opened))


def _prepare_process(megabytes: int, faces: bool) -> None:
    prepare_pillow()
    if faces:
        process_face_finder()
    limit_process(megabytes)


def _decode(
    content: bytes | Video,
    wanted: Sequence[Wanted],
    limits: Limits,
    faces: bool,
    scaled: bool,
    file: BufferedReader | None = None,
) -> Ready:
    find = process_face_finder().find if faces and any(one.shown.looked_for for one in wanted) else None
    looks = [faces and one.shown.looked_for for one in wanted]
    if isinstance(content, bytes):
        seen = look_for(content, wanted, max_pixels=limits.pixels, find=find, scaled=scaled)
        evidence = gather(content, seen[0].format, damage=seen[0].damage, signed=False)
        return _ready(seen, looks, evidence=evidence, is_signed=has_record(content))
    frames = sampled_frames(content, count=limits.video_frames, max_pixels=limits.pixels, file=file)
    return _ready(look_through(frames, wanted, find), looks, is_video=True)


def _ready(seen: Sequence[Looked], looks: Sequence[bool], **found: Any) -> Ready:
    shown = [Shown(one.inputs, looked, one.unjudged) for one, looked in zip(seen, looks, strict=True)]
    first = seen[0]
    return Ready(
        first.inputs,
        first.format,
        first.width,
        first.height,
        looked_for_faces=looks[0],
        unjudged=first.unjudged,
        fingerprint=fingerprint(first.picture),
        others=tuple(shown[1:]),
        **found,
    )
