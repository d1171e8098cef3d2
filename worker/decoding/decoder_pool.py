"""Decoding in separate, limited processes: a decoder that crashes, hangs or eats memory costs one file, not the worker.

The processes import this module and no torch, so that they start quickly and stay small.
"""

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, InvalidStateError
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from pebble import ProcessExpired, ProcessPool

from scanner.domain.evidence import Evidence

from ..detector.faces.face_crops import FaceInputs
from ..detector.faces.face_finder import process_face_finder
from ..detector.faces.input_selection import Looked, look, look_through
from ..detector.image.picture import PictureError, prepare_pillow
from ..evidence.gathering import gather, gather_signed, merged, unread_record
from ..evidence.manifests import has_record
from .fingerprint import fingerprint
from .inputs import Ready
from .time_budget import OutOfTime, budget_time
from .video_frames import Video, sampled_frames

# A process is replaced after this many pictures, so that no decoder's leak grows.
PICTURES_PER_PROCESS = 2000
BREAKS_IN_A_ROW = 50
# What a signed record may take, and how often it is tried: its decoder may end through no fault of it.
RECORD_SECONDS, RECORD_TRIES = 20.0, 2
_PLAIN = FaceInputs()

T = TypeVar("T")


@dataclass(frozen=True)
class Limits:
    """What one picture may cost: `pixels` in all, `seconds` of time (see `time_budget`), `megabytes` of address space.

    Of a video `video_frames` frames are looked at, within `video_seconds`.
    """

    pixels: int
    seconds: float
    megabytes: int
    video_seconds: float = 120.0
    video_frames: int = 16


@dataclass(frozen=True)
class PoolBroke:
    """The picture was not decoded, through no fault of its own: the pool had to be made anew."""


class DecoderTrouble(PictureError):
    """Its decoder ran out of time or died, which may be no fault of the picture: to be tried again alone."""


class DecodersFail(Exception):
    """Decoder processes cannot be kept alive here."""


class DecoderPool:
    """Decoder processes. Use as a context manager: leaving it ends them."""

    def __init__(self, processes: int, limits: Limits, *, faces: bool = False, scaled: bool = True) -> None:
        """With `faces`, each process loads the face finder; `require_face_finder` says beforehand whether it can.

        Large JPEGs are decoded at a smaller scale unless they are not to be `scaled`.
        """
        self._processes = processes
        self._limits = limits
        self._faces = faces
        self._scaled = scaled
        self._breaks = 0
        self._waiting: set[Future[Any]] = set()
        self._pool = self._new_pool()

    def __enter__(self) -> "DecoderPool":
        return self

    def __exit__(self, *_: object) -> None:
        self._end_pool()

    def warm_up(self) -> None:
        """Start the processes before the first picture comes."""
        self._pool.schedule(os.getpid).result()

    def begin(
        self, content: bytes | Video, size: int, shown: FaceInputs = _PLAIN, *, faces: bool | None = None
    ) -> "Future[Ready | PictureError | PoolBroke]":
        """Start to decode `content` for inputs of `size` pixels, with its faces `shown` so; a video is read by the decoder.

        `faces` says whether they are looked for in this one; None: as the pool was made.
        A crash or a time-out of its decoder is a reason like any other. The future raises DecodersFail when the pool breaks again
        and again, however often it is made anew.
        """
        looks = self._faces if faces is None else faces
        arguments = [content, size, shown, self._limits, looks, self._scaled]
        if not isinstance(content, bytes):
            return self._start(_decode, arguments, self._limits.video_seconds)
        return self._with_record(self._start(_decode, arguments, self._limits.seconds), content)

    def submit(self, work: Callable[..., T], content: bytes, argument: object) -> "Future[T | PictureError | PoolBroke]":
        """Start `work(content, argument, max_pixels)` in a decoder process; see `begin`."""
        return self._start(work, [content, argument, self._limits.pixels], self._limits.seconds)

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
            record = self._schedule(gather_signed, [content, ready.format], min(RECORD_SECONDS, self._limits.seconds))
        except RuntimeError:  # the pool ended or broke meanwhile, and is not made anew out of its own thread
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

    def _start(self, work: Callable[..., T], arguments: list[Any], seconds: float) -> "Future[T | PictureError | PoolBroke]":
        told: Future[T | PictureError | PoolBroke] = Future()
        content = arguments[0]
        if isinstance(content, bytes) and 3 * len(content) > self._limits.megabytes << 20:
            # It would die of the message itself, before the pool knows what it is at work on.
            told.set_result(self._needs_too_much())
            return told
        try:
            future = self._schedule(work, arguments, seconds)
        except RuntimeError:
            self._renew()
            future = self._schedule(work, arguments, seconds)

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
            self._breaks = 0
            return ready
        except (BrokenProcessPool, CancelledError) as error:
            self._breaks += 1
            if self._breaks > BREAKS_IN_A_ROW:
                raise DecodersFail(f"the decoder processes die again and again: {error}") from error
            return PoolBroke()
        except PictureError as error:
            return error
        except OutOfTime as error:
            return DecoderTrouble(f"its decoding {error} (setting decode_seconds; of a video, video_seconds)")
        except ProcessExpired as error:
            code = error.exitcode or 0
            cause = signal.strsignal(-code) if code < 0 else f"exit code {code}"
            return DecoderTrouble(f"its decoder process died ({cause})")
        except MemoryError:
            return self._needs_too_much()

    def _needs_too_much(self) -> PictureError:
        return PictureError(f"its decoding needs more than {self._limits.megabytes} MB (setting decode_megabytes)")

    def _schedule(self, work: Callable[..., T], arguments: list[Any], seconds: float) -> "Future[T]":
        future: Future[T]
        future = self._pool.schedule(work, args=arguments, timeout=seconds)
        self._waiting.add(future)
        future.add_done_callback(self._waiting.discard)
        return future

    def _new_pool(self) -> ProcessPool:
        # A fresh server that forks: no torch, no threads and no open connection of the worker is inherited.
        context = multiprocessing.get_context("forkserver" if sys.platform == "linux" else "spawn")
        if sys.platform == "linux":
            multiprocessing.set_forkserver_preload([__name__])
        pool = ProcessPool(
            max_workers=self._processes,
            max_tasks=PICTURES_PER_PROCESS,
            initializer=_prepare_process,
            initargs=(self._limits.megabytes, self._faces),
            context=context,
        )
        return budget_time(pool)

    def _renew(self) -> None:
        """The pool is broken: someone killed a process that was idle. What waited in it is told so by its future."""
        self._end_pool()
        for future in list(self._waiting):
            with suppress(InvalidStateError):  # the pool may have said so itself
                future.set_exception(BrokenProcessPool("the pool was made anew"))
        self._pool = self._new_pool()

    def _end_pool(self) -> None:
        self._pool.stop()  # type: ignore[no-untyped-call]
        with suppress(TimeoutError):
            self._pool.join(timeout=5)


def _prepare_process(megabytes: int, faces: bool) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the worker, which then ends its decoders
    prepare_pillow()
    if faces:
        process_face_finder()
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if sys.platform == "linux":  # macOS has no working limit of address space
            resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))


def _decode(content: bytes | Video, size: int, shown: FaceInputs, limits: Limits, faces: bool, scaled: bool) -> Ready:
    find = process_face_finder().find if faces else None
    if isinstance(content, bytes):
        seen = look(content, size, max_pixels=limits.pixels, find=find, scaled=scaled, shown=shown)
        evidence = gather(content, seen.format, damage=seen.damage, signed=False)
        return _ready(seen, looked_for_faces=faces, evidence=evidence, is_signed=has_record(content))
    frames = sampled_frames(content, count=limits.video_frames, max_pixels=limits.pixels)
    return _ready(look_through(frames, size, find, shown=shown), looked_for_faces=faces, is_video=True)


def _ready(seen: Looked, **found: Any) -> Ready:
    return Ready(
        seen.inputs,
        seen.format,
        seen.width,
        seen.height,
        unjudged=seen.unjudged,
        fingerprint=fingerprint(seen.picture),
        **found,
    )
