"""Thumbnails on the disk, named and marked after the freedesktop.org Thumbnail Managing Standard 0.9, with a size cap.

They are kept in the program's own folder, not in the desktop's shared one: what a person reviews is not told to other programs,
and the cap removes nothing that is someone else's.
"""

import contextlib
import hashlib
import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from PIL import Image, PngImagePlugin

from scanner.base.access.private import make_missing
from scanner.base.files import written_whole

from .judged_pictures import JudgedPictures

SIZES = {"normal": 128, "large": 256, "x-large": 512}
CAP_BYTES = 512 << 20
# Looked at when this many were made; then down to this share of the cap, so that it is not looked at again at once.
_LOOK_EVERY = 200
_DOWN_TO = 0.9
_TOUCH_SECONDS = 86_400
# The SHA-256 of what it shows, and how the file was then: anything may have put its old time back.
_CONTENT, _STATE = "X-dfscan::SHA256", "X-dfscan::State"
# Counts up when pictures are decoded in another way, so that none is shown as it was.
_MADE_BY = "dfscan 3"


class ThumbnailCache:
    """Finds or makes thumbnails; may be asked from several threads."""

    def __init__(self, folder: Path, pictures: JudgedPictures, cap_bytes: int = CAP_BYTES) -> None:
        self._folder = folder
        self._pictures = pictures
        self._cap = cap_bytes
        self._made = 0
        self._lock = threading.Lock()

    def thumbnail(self, path: str, size: str = "large") -> Image.Image:
        """RGB, upright, neither side above SIZES[size]. Raises NotShown, and OSError where there is no file."""
        uri = Path(path).as_uri()
        status = os.stat(path)
        kept = self._folder / size / (hashlib.md5(uri.encode(), usedforsecurity=False).hexdigest() + ".png")
        sha256 = self._pictures.judged(path)
        marks = {
            "Thumb::URI": uri,
            "Thumb::MTime": str(int(status.st_mtime)),
            _STATE: f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}",
            _CONTENT: sha256 or "",
            "Software": _MADE_BY,
        }
        found = _read(kept, marks)
        if found is None:
            found = self._pictures.small(path, SIZES[size], sha256).picture
            self._write(kept, found, marks)
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

    def _write(self, kept: Path, picture: Image.Image, marks: Mapping[str, str]) -> None:
        written = PngImagePlugin.PngInfo()
        for name, value in marks.items():
            written.add_text(name, value)
        try:
            make_missing(kept.parent)
            with written_whole(kept) as partial:
                picture.save(partial, "PNG", pnginfo=written, compress_level=1)
                partial.chmod(0o600)
        except OSError:  # a full disk costs time, not the picture
            return
        with self._lock:
            self._made += 1
            due = self._made % _LOOK_EVERY == 0
        if due:
            self.trim()


def _read(kept: Path, marks: Mapping[str, str]) -> Image.Image | None:
    """The thumbnail, if it is of what was judged of this file, and the file has stayed as it was."""
    try:
        with Image.open(kept, formats=["PNG"]) as picture:
            if {name: picture.info.get(name) for name in marks} != marks:
                return None
            picture.load()
            found = picture.convert("RGB")
        if time.time() - kept.stat().st_mtime > _TOUCH_SECONDS:
            os.utime(kept)
    except (OSError, SyntaxError, ValueError):
        return None
    return found
