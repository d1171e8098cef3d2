"""What one picture may cost."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scanner.base.settings import Settings


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

    @classmethod
    def of(cls, settings: "Settings") -> "Limits":
        """Those that the settings name."""
        return cls(
            int(settings.max_megapixels * 1e6),
            settings.decode_seconds,
            settings.decode_megabytes,
            settings.video_seconds,
            settings.video_frames,
        )
