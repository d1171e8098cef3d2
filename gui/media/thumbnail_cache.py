"""Thumbnails on the disk, named and marked after the freedesktop.org Thumbnail Managing Standard 0.9, with a size cap.

They are kept in the program's own folder, not in the desktop's shared one: what a person reviews is not told to other programs,
and the cap removes nothing that is someone else's.
"""

import contextlib
import hashlib
import os
import threading
import time
from pathlib import Path

from PIL import Image, PngImagePlugin

from scanner.base.access.private import make_missing
from scanner.base.files import written_whole
from scanner.media.formats import has_video_suffix
from scanner.media.frames import is_video, video_frame
from scanner.media.pictures import small_picture

SIZES = {"normal": 128, "large": 256, "x-large": 512}
CAP_BYTES = 512 << 20
# Looked at when this many were made; then down to this share of the cap, so that it is not looked at again at once.
_LOOK_EVERY = 200
_DOWN_TO = 0.9
_TOUCH_SECONDS = 86_400
# Counts up when pictures are decoded in another way, so that none is shown as it was.
_MADE_BY = "dfscan 2"


class ThumbnailCache:
    """Finds or makes thumbnails; may be asked from several threads."""

    def __init__(self, folder: Path, cap_bytes: int = CAP_BYTES) -> None:
        self._folder = folder
        self._cap = cap_bytes
        self._made = 0
        self._lock = threading.Lock()

    def thumbnail(self, path: str, size: str = "large") -> Image.Image:
        """RGB, upright, neither side above SIZES[size]. Raises OSError and what Pillow raises when there is no picture."""
        uri = Path(path).as_uri()
        mtime = int(os.stat(path).st_mtime)
        kept = self._folder / size / (hashlib.md5(uri.encode(), usedforsecurity=False).hexdigest() + ".png")
        found = _read(kept, uri, mtime)
        if found is None:
            found = _small(path, SIZES[size])
            self._write(kept, found, uri, mtime)
        return found

    def trim(self) -> int:
        """Remove those not looked at for longest until the rest is below the cap; returns how many bytes are left."""
        kept = []
        for file in self._folder.glob("*/*.png"):
            with contextlib.suppress(OSError):
                status = file.stat()
                kept.append((status.st_mtime, status.st_size, file))
        total = sum(size for _, size, _ in kept)
        if total <= self._cap:
            return total
        for _, size, file in sorted(kept, key=lambda entry: entry[0]):
            if total <= self._cap * _DOWN_TO:
                break
            with contextlib.suppress(OSError):
                file.unlink()
                total -= size
        return total

    def _write(self, kept: Path, picture: Image.Image, uri: str, mtime: int) -> None:
        marks = PngImagePlugin.PngInfo()
        marks.add_text("Thumb::URI", uri)
        marks.add_text("Thumb::MTime", str(mtime))
        marks.add_text("Software", _MADE_BY)
        try:
            make_missing(kept.parent)
            with written_whole(kept) as partial:
                picture.save(partial, "PNG", pnginfo=marks, compress_level=1)
                partial.chmod(0o600)
        except OSError:  # a full disk costs time, not the picture
            return
        with self._lock:
            self._made += 1
            due = self._made % _LOOK_EVERY == 0
        if due:
            self.trim()


def _small(path: str, pixels: int) -> Image.Image:
    if not (has_video_suffix(path) and is_video(path)):
        return small_picture(path, pixels)
    frame = video_frame(path, 0.0)
    frame.thumbnail((pixels, pixels))
    return frame


def _read(kept: Path, uri: str, mtime: int) -> Image.Image | None:
    """The thumbnail, if it is of this file as it is now."""
    try:
        with Image.open(kept, formats=["PNG"]) as picture:
            marks = [picture.info.get(name) for name in ("Thumb::URI", "Thumb::MTime", "Software")]
            if marks != [uri, str(mtime), _MADE_BY]:
                return None
            picture.load()
            found = picture.convert("RGB")
        if time.time() - kept.stat().st_mtime > _TOUCH_SECONDS:
            os.utime(kept)
    except (OSError, SyntaxError, ValueError):
        return None
    return found
