"""The card that a person writes for an ONNX network: a TOML file that says how it takes pictures and what it answers.

docs/models.md has the keys and templates.
"""

import json
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from scanner.base.documents import demand_plain, from_strict_document

from ..checkpoints.card import Calibration, CheckpointCard, CheckpointError
from ..checkpoints.imported_network import Channels, ImportedNetwork, Layout, LinearHead, OutputKind, PixelRange
from ..faces.face_crops import MARGIN, FaceInputs
from ..image.preprocess import Preprocessing, Resize
from ..model.recipes import IMPORTED, Recipe

_LARGEST_FILE = 1 << 20
# Words for the two classes, as published networks name them. A label is of a class when one of its words is here.
_FAKE = {"fake", "ai", "artificial", "generated", "synthetic", "deepfake", "deepfakes", "manipulated", "forged", "spoof", "gan"}
_REAL = {"real", "realism", "authentic", "human", "genuine", "natural", "nature", "original", "pristine", "photo", "hum", "live"}


@dataclass(frozen=True)
class _Input:
    size: int
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    pixel_range: PixelRange = "0..1"
    layout: Layout = "NCHW"
    channels: Channels = "RGB"


@dataclass(frozen=True)
class _Output:
    kind: OutputKind
    name: str = ""
    index: int | None = None
    fake: str = ""
    labels: tuple[str, ...] = ()
    id2label: str = ""
    of: Literal["fake", "real"] = "fake"


@dataclass(frozen=True)
class _Head:
    file: str = ""
    weights: tuple[float, ...] = ()
    bias: float = 0.0
    normalised: bool = False


@dataclass(frozen=True)
class _Score:
    threshold: float = 0.5
    band_low: float | None = None
    slope: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True)
class _Check:
    fake: tuple[str, ...] = ()
    real: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Document:
    licence: str
    source: str
    crop: Literal["face", "whole"]
    input: _Input
    output: _Output
    margin: float = MARGIN
    resize: Resize = field(default_factory=Resize)
    head: _Head | None = None
    score: _Score = field(default_factory=_Score)
    check: _Check = field(default_factory=_Check)


@dataclass(frozen=True)
class WrittenCard:
    """A card as its file has it, and pictures of which is known what they are."""

    card: CheckpointCard
    fakes: tuple[Path, ...]
    reals: tuple[Path, ...]


def read_card_file(path: Path, *, name: str, created_at: str) -> WrittenCard:
    """Read the card in the TOML file `path` for a network that is to be called `name`. Raises CheckpointError."""
    try:
        tables = tomllib.loads(_text(path))
        demand_plain(tables)
        document = from_strict_document(_Document, tables, path="card")
        card = _card(document, path.parent, name, created_at)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise CheckpointError(f"{path} is not TOML: {error}") from None
    except ValueError as error:
        raise CheckpointError(f"{path}: {error}. Mend it there") from None
    fakes, reals = (tuple(path.parent / named for named in names) for names in (document.check.fake, document.check.real))
    if absent := next((picture for picture in (*fakes, *reals) if not picture.is_file()), None):
        raise CheckpointError(f"{path}: check names {absent}, which does not exist")
    return WrittenCard(card, fakes, reals)


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _LARGEST_FILE or not path.is_file():
            raise CheckpointError(f"{path} is no card: a card is a TOML file of less than {_LARGEST_FILE >> 20} MB")
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise CheckpointError(f"{path} is not TOML in UTF-8: {error}") from None
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}; name the network's card (docs/models.md)") from None


def _card(document: _Document, folder: Path, name: str, created_at: str) -> CheckpointCard:
    given, out, score = document.input, document.output, document.score
    labels = _labels(out, folder)
    network = ImportedNetwork(
        given.layout,
        given.channels,
        given.pixel_range,
        out.kind,
        out.name,
        _index(out, labels),
        _head(document.head, folder),
        out.of == "real",
    )
    _demand_order(score)
    if document.resize.shorter and document.resize.shorter < given.size:
        raise ValueError(f"shorter is {document.resize.shorter}, and no centre of {given.size} pixels can be cut from that")
    is_whole = document.crop == "whole"
    return CheckpointCard(
        name,
        Recipe(IMPORTED, (IMPORTED,), (), 0.0, Preprocessing(given.size, given.mean, given.std)),
        Calibration(score.slope, score.offset),
        score.threshold,
        score.threshold if score.band_low is None else score.band_low,
        created_at,
        whole_images=is_whole,
        face_inputs=FaceInputs(((document.margin, False),), looked_for=not is_whole, resize=document.resize),
        imported=network,
        training={IMPORTED: {"licence": document.licence, "source": document.source, "labels": list(labels)}},
    )


def _demand_order(score: _Score) -> None:
    """Raises ValueError for cuts that no score or every score reaches, and for a scaling that turns scores round."""
    if not 0 < score.threshold <= 1:
        raise ValueError(f"threshold is a score, above 0 and at most 1, not {score.threshold}")
    if not score.slope > 0:
        raise ValueError(
            f'slope must be above 0, not {score.slope}. Where a high value means real, say of = "real" under [output]'
        )


def _labels(out: _Output, folder: Path) -> tuple[str, ...]:
    """The names of the classes in their order, from the card or from the `id2label` of a Hugging Face config.json."""
    if not out.id2label:
        return out.labels
    if out.labels:
        raise ValueError("labels and id2label say the same; leave one out")
    try:
        named: dict[str, Any] = json.loads(_text(folder / out.id2label))["id2label"]
        return tuple(str(named[str(number)]) for number in range(len(named)))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{folder / out.id2label} holds no id2label with numbers from 0 on ({error!r})") from None


def _index(out: _Output, labels: Sequence[str]) -> int:
    """Where the value of `fake` stands. Raises ValueError where the card leaves it open, or labels and card disagree."""
    if out.fake and out.fake not in labels:
        raise ValueError(f"fake is {out.fake!r}, and the labels are {', '.join(labels) or 'not given'}")
    named = labels.index(out.fake) if out.fake else None
    if named is not None and out.index not in (None, named):
        raise ValueError(f"fake is {out.fake!r}, label {named}, but index is {out.index}")
    index = out.index if named is None else named
    if index is None:
        if len(labels) > 1 or out.kind == "softmax":
            raise ValueError("which class is fake? Give fake, the name of a label, or index, from 0")
        index = 0
    if labels and not index < len(labels):
        raise ValueError(f"index is {index}, and there are {len(labels)} labels, from 0 on")
    named_fake = labels[index] if labels and out.of == "fake" else ""
    if _is_of(_REAL, named_fake) and (len(labels) == 1 or any(_is_of(_FAKE, other) for other in labels)):
        raise ValueError(f"label {index} is {named_fake!r}, which means real: fake and real seem to be swapped")
    return index


def _is_of(words: set[str], label: str) -> bool:
    spaced = "".join(character if character.isalpha() else " " for character in label.lower())
    return not words.isdisjoint(spaced.split())


def _head(head: _Head | None, folder: Path) -> LinearHead | None:
    if head is None:
        return None
    if not head.file:
        return LinearHead(head.weights, head.bias, head.normalised)
    if head.weights:
        raise ValueError("head has weights and a file that holds them; leave one out")
    try:
        held: dict[str, Any] = json.loads(_text(folder / head.file))
        weights, bias = tuple(map(float, held["weights"])), float(held.get("bias", head.bias))
    except (KeyError, TypeError, AttributeError, json.JSONDecodeError) as error:
        raise ValueError(f"{folder / head.file} is no JSON object with weights and bias ({error!r})") from None
    return LinearHead(weights, bias, head.normalised)
