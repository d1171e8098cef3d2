"""One image of an evidence report: everything that is known of it, and its pictures."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from ...base.documents import to_document
from ...media.looking.looker import looker
from ...media.looking.not_shown import ChangedSince, NotShown
from ...results.measured_rates import MeasuredRates, measured_rates
from ..image_details import Finding, ImageDetails
from .manifest import sha256_of

SHOWN_PIXELS = 720
_EXIF_LONGEST = 300
_EXIF_PARTS = ("EXIF", "GPS")
_FAKE, _OTHER, _UNJUDGED = "#b00020", "#1f4e79", "#8a8f98"

# A heatmap in colours with its place in the upright picture (left, top, width, height).
Heat = tuple[tuple[int, int, int, int], Image.Image]
# Gives the heatmaps that are at hand for a content and a model, by their sha256.
FindHeat = Callable[[str, str], Sequence[Heat]]


@dataclass(frozen=True)
class Picture:
    """A file in the report's folder, and what it shows."""

    name: str
    words: str


@dataclass(frozen=True)
class ImageRecord:
    """What the pages and the JSON print of one image. `problem`: the file is not what was judged, or cannot be shown."""

    number: int
    details: ImageDetails
    rates: MeasuredRates | None
    exif: tuple[tuple[str, str], ...]
    pictures: tuple[Picture, ...]
    problem: str

    @property
    def finding(self) -> Finding:
        """The verdict."""
        return self.details.finding

    @property
    def verdict(self) -> str:
        """In words."""
        found = self.finding
        if found.label == "real":
            return "nothing found" if found.score < found.band_low else "not judged"
        return "strong signs of forgery" if found.label == "fake" else "weak signs of forgery"

    def to_json(self) -> dict[str, Any]:
        """For machines; bytes of a name that are not UTF-8 are lone surrogates, escaped."""
        details, found = self.details, self.finding
        return {
            "path": details.path,
            "sha256": details.sha256,
            "size": details.size,
            "modified_at": modified_at(details).isoformat(),
            "format": details.format,
            "width": details.width,
            "height": details.height,
            "label": found.label,
            "verdict": self.verdict,
            "score": found.score,
            "threshold": found.threshold,
            "uncertain_from": found.band_low,
            "measured_rates": to_document(self.rates) if self.rates else None,
            "model": found.model,
            "model_sha256": found.model_sha256,
            "scanned_at": found.scanned_at.isoformat(),
            **found.prediction.to_json(),
            "exif": dict(self.exif),
            "evidence": None if details.evidence is None else to_document(details.evidence),
            "note": details.note,
            "decision": self.decision,
            "history": [to_document(review) for review in reversed(details.reviews)],
            "pictures": [picture.name for picture in self.pictures],
            "problem": self.problem or None,
        }

    @property
    def decision(self) -> str | None:
        """What counts now."""
        latest = self.details.reviews[0].decision.value if self.details.reviews else "withdrawn"
        return None if latest == "withdrawn" else latest


def modified_at(details: ImageDetails) -> datetime:
    """When the file itself was last changed; moving it away and back does not count."""
    return datetime.fromtimestamp(details.changed_at_ns / 1e9, UTC)


def image_record(number: int, details: ImageDetails, folder: Path, heat: FindHeat) -> ImageRecord:
    """Read the file once more, and write its pictures into `folder`. Nothing that is wrong with it stops a report."""
    rates = measured_rates(details.finding.card, details.finding.label)
    problem = ""
    exif: tuple[tuple[str, str], ...] = ()
    pictures: tuple[Picture, ...] = ()
    try:
        if (found := sha256_of(details.path)) != details.sha256:
            problem = f"The file has changed since it was judged: its SHA-256 is now {found}."
        else:
            exif = _exif(details)
            pictures = _pictures(number, details, folder, heat)
    except ChangedSince:
        problem = "The file has changed since it was judged."
    except Exception as error:  # decoders say what they like about broken files
        problem = f"The file cannot be shown: {getattr(error, 'strerror', None) or error or type(error).__name__}."
    return ImageRecord(number, details, rates, exif, pictures, problem)


def _exif(details: ImageDetails) -> tuple[tuple[str, str], ...]:
    with suppress(NotShown):  # broken EXIF spoils no report
        tags = [tag for tag in looker().tags(details.path, details.sha256) if tag.part in _EXIF_PARTS and tag.name != "MakerNote"]
        return tuple((tag.name, _shortened(tag.value)) for tag in tags)
    return ()


def _shortened(text: str) -> str:
    return text if len(text) <= _EXIF_LONGEST else text[:_EXIF_LONGEST] + "\N{HORIZONTAL ELLIPSIS}"


def _pictures(number: int, details: ImageDetails, folder: Path, heat: FindHeat) -> tuple[Picture, ...]:
    seen = looker().whole(details.path, details.sha256)
    scale = min(1.0, seen.number * SHOWN_PIXELS / max(seen.picture.size))
    size = [max(1, round(side * scale / seen.number)) for side in seen.picture.size]
    plain = seen.picture.resize((size[0], size[1]))
    boxed = plain.copy()
    _draw_faces(boxed, details.finding, scale)
    made = [(plain, "plain", "As it is"), (boxed, "faces", "Faces that were found, with their scores")]
    patches = heat(details.sha256, details.finding.model_sha256)
    if patches:
        made.append((_heated(plain, patches, scale), "heatmap", "Where the score comes from; no proof that there is a forgery"))
    if not details.finding.prediction.faces:
        made = [one for one in made if one[1] != "faces"]
    pictures = []
    for picture, kind, words in made:
        name = f"pictures/{number:05}-{kind}.jpg"
        picture.convert("RGB").save(folder / name, "JPEG", quality=85)
        pictures.append(Picture(name, words))
    return tuple(pictures)


def _draw_faces(picture: Image.Image, found: Finding, scale: float) -> None:
    drawing = ImageDraw.Draw(picture)
    for face in found.prediction.faces or ():
        if face.frame:
            continue
        left, top, width, height = (side * scale for side in face.box)
        colour = _UNJUDGED if face.score is None else _FAKE if face.score >= found.threshold else _OTHER
        wide = 4 if face == found.prediction.deciding_face else 2
        drawing.rectangle((left, top, left + width, top + height), outline=colour, width=wide)
        if face.score is not None:
            drawing.text((left + wide + 1, top + wide), f"{face.score:.2f}", fill="white", stroke_width=2, stroke_fill=colour)


def _heated(plain: Image.Image, patches: Sequence[Heat], scale: float) -> Image.Image:
    heated = plain.convert("RGBA")
    for (left, top, width, height), colours in patches:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        layer = Image.new("RGBA", heated.size)
        layer.paste(colours.resize(size), (round(left * scale), round(top * scale)))
        heated = Image.alpha_composite(heated, layer)
    return heated
