"""Videos that the tests encode themselves."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import av
from PIL import Image

# By suffix.
CODECS = {".mp4": "libx264", ".m4v": "libx264", ".mov": "libx264", ".mkv": "libx264", ".webm": "libvpx", ".avi": "mpeg4"}
_MATRIX = b"".join(value.to_bytes(4, "big") for value in (0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000))
# Clockwise by 90 degrees (ISO 14496-12, 6.2.2), as a phone held upright writes it.
_TURNED = b"".join(value.to_bytes(4, "big") for value in (0, 0x10000, 0, 0xFFFF0000, 0, 0, 0, 0, 0x40000000))


def write_video(path: Path, pictures: Sequence[Image.Image], *, rate: int = 10, **options: str) -> Path:
    """A video of `pictures`, in the container of the path's suffix."""
    codec: Any = CODECS[path.suffix]
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, options=options)
        stream.width, stream.height = pictures[0].size
        stream.pix_fmt = "yuv420p"
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_image(picture)))
        container.mux(stream.encode())
    return path


def turn(path: Path) -> Path:
    """Have an MP4 file say that it is to be shown turned clockwise by 90 degrees."""
    content = path.read_bytes()
    track = content.index(b"tkhd")
    at = content.index(_MATRIX, track)
    path.write_bytes(content[:at] + _TURNED + content[at + len(_TURNED) :])
    return path


def write_sound(path: Path) -> Path:
    """A file of sound alone."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = av.AudioFrame(format="s16", layout="mono", samples=800)
        frame.planes[0].update(bytes(1600))
        frame.rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path
