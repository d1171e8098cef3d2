"""A report as one self-contained HTML page with thumbnails: no script, nothing loaded from anywhere."""

import base64
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO

from jinja2 import Environment, PackageLoader, StrictUndefined
from PIL import Image, ImageOps

from .printing import printable
from .report import Report, ReportItem, iterate_statuses

THUMBNAIL_PIXELS = 160
# A page with more pictures than this is slow to open; the rest is listed without.
THUMBNAILS = 500
_THUMBNAIL_SOURCE_PIXELS = 100_000_000


@dataclass(frozen=True)
class Entry:
    """One file as the page shows it."""

    item: ReportItem
    path: str
    scanned_at: str
    thumbnail: str | None


def as_html(report: Report) -> str:
    """Render the page. Times are in the local zone."""
    environment = Environment(loader=PackageLoader("scanner"), autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    thumbnail_left = THUMBNAILS

    def thumbnail(item: ReportItem) -> str | None:
        nonlocal thumbnail_left
        if item.score is None or thumbnail_left == 0:
            return None
        thumbnail_left -= 1
        return thumbnail_of(item.path)

    return environment.get_template("report.html").render(
        report=report, entries=_entries(report, thumbnail), counts=list(iterate_statuses(report))
    )


def thumbnail_of(path: str) -> str | None:
    """A small JPEG of a picture as a data URL; None when it cannot be made (the file may be gone by now)."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # The file may be another one by now: no FIFO to wait for, no format that starts a program (EPS).
            descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
            with os.fdopen(descriptor, "rb") as file, Image.open(file, formats=_formats()) as picture:
                if picture.width * picture.height > _THUMBNAIL_SOURCE_PIXELS and picture.format != "JPEG":
                    return None
                picture.draft("RGB", (2 * THUMBNAIL_PIXELS, 2 * THUMBNAIL_PIXELS))
                picture.thumbnail((THUMBNAIL_PIXELS, THUMBNAIL_PIXELS))
                small = _over_white(ImageOps.exif_transpose(picture))
        buffer = BytesIO()
        small.save(buffer, "JPEG", quality=80)
    except Exception:  # whatever is wrong with the file, the report is more important
        return None
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def _formats() -> list[str]:
    Image.init()
    return [name for name in ("JPEG", "MPO", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIF") if name in Image.OPEN]


def _over_white(picture: Image.Image) -> Image.Image:
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture.convert("RGBA")).convert("RGB")


def _entries(report: Report, thumbnail: Callable[[ReportItem], str | None]) -> list[Entry]:
    return [
        Entry(
            item,
            printable(item.path),
            item.scanned_at.astimezone().strftime("%Y-%m-%d %H:%M") if item.scanned_at else "",
            thumbnail(item),
        )
        for item in report.items
    ]
