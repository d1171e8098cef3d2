"""Whether the label can be guessed without looking at the picture: from format, size, resolution, JPEG quality, ... alone.

Detectors learn such differences first, because they are easy, and fail where they are not. This trains nothing that is kept and
fails nothing: it says what it finds.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, JpegImagePlugin

from scanner.media.formats import openable_formats
from worker.detector.image.picture import prepare_pillow

from .manifest import ManifestError, Row

# More would only make the same estimate slower: at 10,000 its standard error is 0.006.
_MOST = 10_000
_FEWEST = 20
# An AUC that is told: above what chance gives (so many standard errors above 0.5), and large enough to be worth learning.
_TOLD, _ERRORS = 0.65, 3.0
_CHROMA = {0: "4:4:4", 1: "4:2:2", 2: "4:2:0"}
_REMEDY = "A detector learns this before it learns forgery. Store real and fake images in the same way: format, size and quality."


@dataclass(frozen=True)
class Stored:
    """How a picture is stored. `quality` (libjpeg's 1 to 100) and `chroma` (4:2:0, ...) are of JPEG: else nan and empty."""

    format: str
    file_size: int
    width: int
    height: int
    quality: float
    chroma: str
    has_exif: bool


# What each trait is told by; text is a category.
TRAITS: dict[str, Callable[[Stored], tuple[float | str, ...]]] = {
    "file format": lambda stored: (stored.format,),
    "EXIF": lambda stored: ("with EXIF" if stored.has_exif else "without EXIF",),
    "resolution": lambda stored: (stored.width * stored.height, stored.width, stored.height),
    "aspect ratio": lambda stored: (stored.width / stored.height,),
    "JPEG quality": lambda stored: (stored.quality,),
    "chroma subsampling": lambda stored: (stored.chroma,),
    "file size": lambda stored: (stored.file_size,),
    "bytes per pixel": lambda stored: (stored.file_size / (stored.width * stored.height),),
}


@dataclass(frozen=True)
class TraitBias:
    """How well the label is guessed from one trait (or all): AUC, cross-validated by group, and its standard error.

    `contrast` says how real and fake differ in it.
    """

    trait: str
    auc: float
    error: float
    contrast: str = ""

    @property
    def is_told(self) -> bool:
        """Whether it is more than chance, and enough to matter."""
        return self.auc >= _TOLD and self.auc - _ERRORS * self.error > 0.5


@dataclass(frozen=True)
class SourceBias:
    """One source, or all (`source` is empty). `together` is all traits at once; `traits` each alone, the most telling first."""

    source: str
    pictures: int
    together: TraitBias
    traits: tuple[TraitBias, ...]

    @property
    def is_told(self) -> bool:
        """Whether the label can be guessed here."""
        return self.together.is_told or any(trait.is_told for trait in self.traits)

    def text(self) -> str:
        """One sentence, or one per trait that gives the label away."""
        where = self.source or "all sources"
        told = [trait for trait in self.traits if trait.is_told]
        lines = [f"{where}: the {one.trait} alone gives the label away (AUC {one.auc:.3f}): {one.contrast}" for one in told]
        if not told and self.together.is_told:
            lines = [f"{where}: all traits of its files together give the label away (AUC {self.together.auc:.3f}), none alone"]
        return "\n".join(lines or [f"{where}: how files are stored does not give the label away (AUC {self.together.auc:.3f})"])


@dataclass(frozen=True)
class Bias:
    """All sources together first, then each that has both labels; sources with too few pictures of one label are left out."""

    parts: tuple[SourceBias, ...]

    def __bool__(self) -> bool:
        return any(part.is_told for part in self.parts)

    def text(self) -> str:
        """What gives the label away, per source."""
        if not self.parts:
            return f"too few groups (fewer than {_FEWEST} of a label) to say whether how files are stored gives the label away"
        return "\n".join([*(part.text() for part in self.parts), *([_REMEDY] if self else [])])


def find_bias(rows: Sequence[Row], *, progress: Callable[[int, int], None] = lambda _done, _of: None) -> Bias:
    """Look at how the files of `rows` are stored: at about 10,000 per source, whole groups, always the same ones.

    `progress` is told how many were read, of how many.

    Raises ManifestError when a file is no picture.
    """
    prepare_pillow()
    parts = {"": _sample(rows)}
    for source in sorted({row.source for row in rows}):
        of_source = [row for row in rows if row.source == source]
        if len({row.label for row in of_source}) == 2 and len(of_source) < len(rows):
            parts[source] = _sample(of_source)
    paths = dict.fromkeys(row.path for part in parts.values() for row in part)
    stored: dict[Path, Stored] = {}
    for path in paths:
        stored[path] = stored_as(path)
        progress(len(stored), len(paths))
    found = (_source_bias(source, part, [stored[row.path] for row in part]) for source, part in parts.items())
    return Bias(tuple(part for part in found if part))


def stored_as(path: Path) -> Stored:
    """Read a picture's header. Raises ManifestError when it has none."""
    tables: dict[int, list[int]] = {}
    chroma = ""
    try:
        with Image.open(path, formats=openable_formats()) as picture:
            if isinstance(picture, JpegImagePlugin.JpegImageFile):
                tables = picture.quantization
                chroma = _CHROMA.get(JpegImagePlugin.get_sampling(picture), "other")
            size, name, has_exif = picture.size, picture.format or "", "exif" in picture.info
            file_size = path.stat().st_size
    except Exception as error:  # Pillow's plugins raise nearly anything on hostile bytes
        raise ManifestError(f"{path}: {error}. Mend it, or take its line out of the manifest") from None
    return Stored(name, file_size, *size, _quality(tables[0]) if tables else np.nan, chroma, has_exif)


def _quality(luminance: Sequence[int]) -> float:
    """The quality, 1 to 100, with which libjpeg writes the table (64 steps) that is nearest to this one."""
    tables_Q64 = np.array(_luminance_tables())
    return float(np.abs(tables_Q64 - np.array(luminance)).sum(axis=1).argmin() + 1)


@cache
def _luminance_tables() -> tuple[tuple[int, ...], ...]:
    """libjpeg's tables for all qualities, read off what it writes."""
    tables = []
    for quality in range(1, 101):
        written = BytesIO()
        Image.new("L", (8, 8)).save(written, "JPEG", quality=quality)
        written.seek(0)
        with JpegImagePlugin.JpegImageFile(written) as picture:
            tables.append(tuple(picture.quantization[0]))
    return tuple(tables)


def _sample(rows: Sequence[Row]) -> list[Row]:
    share = _MOST / max(len(rows), 1)
    return [row for row in rows if share >= 1 or _position(row.group) < share]


def _position(group: str) -> float:
    # Another hash than the one that may have made the splits.
    return int.from_bytes(sha256(f"bias/{group}".encode()).digest()[:8], "big") / 2**64


def _source_bias(source: str, rows: Sequence[Row], stored: Sequence[Stored]) -> SourceBias | None:
    labels_N = np.array([row.label for row in rows])
    groups = [row.group for row in rows]
    counts = [len({row.group for row in rows if row.label == label}) for label in (0, 1)]
    if min(counts, default=0) < _FEWEST:
        return None
    error = _standard_error(*counts)
    columns = {trait: [told(one) for one in stored] for trait, told in TRAITS.items()}
    traits = [
        TraitBias(trait, _guessed(_numbers(values), labels_N, groups), error, _contrast(trait, values, labels_N))
        for trait, values in columns.items()
    ]
    together = _guessed(np.hstack([_numbers(values) for values in columns.values()]), labels_N, groups)
    traits.sort(key=lambda one: -round(one.auc, 3))
    return SourceBias(source, len(rows), TraitBias("all", together, error), tuple(traits))


def _guessed(values_NF: NDArray[np.float64], labels_N: NDArray[np.int_], groups: Sequence[str]) -> float:
    """The mean AUC of a small model over five folds, no group in two of them."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedGroupKFold

    values_NF = np.nan_to_num(values_NF, nan=-1.0)  # below all that is measured
    if (values_NF == values_NF[:1]).all():
        return 0.5
    found = []
    for train, test in StratifiedGroupKFold(5, shuffle=True, random_state=0).split(values_NF, labels_N, groups):
        if len(set(labels_N[test])) < 2 or len(set(labels_N[train])) < 2:
            continue
        model = HistGradientBoostingClassifier(max_iter=30, max_leaf_nodes=8, min_samples_leaf=5, random_state=0)
        model.fit(values_NF[train], labels_N[train])
        found.append(roc_auc_score(labels_N[test], model.predict_proba(values_NF[test])[:, 1]))
    return float(np.mean(found)) if found else 0.5


def _standard_error(reals: int, fakes: int) -> float:
    """Of the AUC of a guess by chance (Mann & Whitney 1947); of groups: the images of one are no independent witnesses."""
    return float(np.sqrt((reals + fakes + 1) / (12 * reals * fakes)))


def _numbers(values: Sequence[tuple[float | str, ...]]) -> NDArray[np.float64]:
    """Values_NF as numbers: the categories of a column as many columns of 0 and 1."""
    columns = []
    for column in zip(*values, strict=True):
        if isinstance(column[0], str):
            columns += [[float(value == name) for value in column] for name in sorted(set(column))]
        else:
            columns.append(list(column))
    return np.array(columns, np.float64).T


def _contrast(trait: str, values: Sequence[tuple[float | str, ...]], labels_N: NDArray[np.int_]) -> str:
    """How real and fake differ: the most common value of each, or the medians."""
    parts = []
    for label, name in enumerate(("real", "fake")):
        of_label: list[Any] = [value[0] for value, one in zip(values, labels_N, strict=True) if one == label]
        if isinstance(of_label[0], str):
            common, count = Counter(of_label).most_common(1)[0]
            parts.append(f"{name} {common or 'none'} {count / len(of_label):.0%}")
        else:
            known = [value for value in of_label if not np.isnan(value)]
            parts.append(f"{name} {_measured(trait, float(np.median(known)))}" if known else f"{name} none")
    return ", ".join(parts)


def _measured(trait: str, median: float) -> str:
    written = {"resolution": f"{median / 1e6:,.2f} megapixels", "file size": f"{median / 1e3:,.1f} kB"}
    return "median " + written.get(trait, f"{median:.3g}")
