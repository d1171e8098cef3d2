"""What goes wrong with decoding, and whose fault it is."""

import signal
from dataclasses import dataclass

from scanner.processes.replies import BadReply, Refused
from scanner.processes.time_budget import OutOfTime
from scanner.processes.work import Died

from ..detector.image.picture import PictureError


@dataclass(frozen=True)
class PoolBroke:
    """The picture was not decoded, through no fault of its own: the pool had to be made anew."""


class DecoderTrouble(PictureError):
    """Its decoder ran out of time or died, which may be no fault of the picture: to be tried again alone."""


class DecodersFail(Exception):
    """Decoder processes cannot be kept alive here."""


def reason_of(error: Exception, megabytes: int) -> PictureError | None:
    """Why a picture whose work ended with `error` is not decoded, by a process of `megabytes`; None for a bug of ours."""
    match error:
        case PictureError():
            return error
        case Refused():
            return PictureError(str(error))
        case OutOfTime():
            return DecoderTrouble(f"its decoding {error} (setting decode_seconds; of a video, video_seconds)")
        case Died():
            cause = signal.strsignal(-error.code) if error.code < 0 else f"exit code {error.code}"
            return DecoderTrouble(f"its decoder process died ({cause})")
        case BadReply():
            return PictureError(f"its decoder process answered what no decoder does: {error}")
        case OSError():
            return PictureError(f"cannot be decoded: {error}")
        case MemoryError():
            return needs_too_much(megabytes)
    return None


def needs_too_much(megabytes: int) -> PictureError:
    """More memory than its process has."""
    return PictureError(f"its decoding needs more than {megabytes} MB (setting decode_megabytes)")
