"""Several models as one: which they are, and how their logits are weighed. Imports no torch.

Late fusion by logistic regression on the models' calibrated logits (Brümmer et al. 2007, "Fusion of heterogeneous speaker
recognition systems").
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scanner.domain.states import Basis

FEWEST_PARTS, MOST_PARTS = 2, 8
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Part:
    """A model of a combination: its name, the sha256 (hex) of its checkpoint, and what its own card says.

    A part that is not made for `whole_images` does not count for a picture in which no face was found.
    """

    name: str
    sha256: str
    threshold: float
    band_low: float
    whole_images: bool
    licence: str = ""


@dataclass(frozen=True)
class Line:
    """The sum over the parts, weight * (logit - centre), plus the offset.

    `lowest` and `highest` bound each part's logit to what was seen when the weights were fitted: one that is beyond all measure
    outvotes the others no more than the strongest of those.
    """

    weights: tuple[float, ...]
    centres: tuple[float, ...]
    lowest: tuple[float, ...]
    highest: tuple[float, ...]
    offset: float = 0.0

    def __post_init__(self) -> None:
        """Raises ValueError for numbers that are none, and for a part that would vote backwards."""
        numbers = (self.weights, self.centres, self.lowest, self.highest)
        if len({len(values) for values in numbers}) != 1:
            raise ValueError("weights, centres, lowest and highest must be as many as parts")
        if not all(math.isfinite(value) for values in (*numbers, (self.offset,)) for value in values):
            raise ValueError("weights, centres, lowest, highest and offset must be finite")
        if min(self.weights, default=0) < 0 or any(low > high for low, high in zip(self.lowest, self.highest, strict=True)):
            raise ValueError("weights must not be below 0, nor lowest above highest")

    def contributions(self, logits: Sequence[float]) -> tuple[float, ...]:
        """What each part adds to the sum."""
        return tuple(
            weight * (min(max(logit, low), high) - centre)
            for weight, centre, low, high, logit in zip(
                self.weights, self.centres, self.lowest, self.highest, logits, strict=True
            )
        )


@dataclass(frozen=True)
class LateFusion:
    """The parts in their order, and their weights for each basis that a score can have (see `Basis`)."""

    parts: tuple[Part, ...]
    lines: Mapping[str, Line]

    def __post_init__(self) -> None:
        """Raises ValueError for what cannot score a picture."""
        if not FEWEST_PARTS <= len(self.parts) <= MOST_PARTS:
            raise ValueError(f"there must be {FEWEST_PARTS} to {MOST_PARTS} parts")
        names, hashes = [part.name for part in self.parts], [part.sha256 for part in self.parts]
        if len(set(names)) < len(names) or len(set(hashes)) < len(hashes):
            raise ValueError("each part must be named once")
        if not all(map(_SHA256.fullmatch, hashes)):
            raise ValueError("the sha256 of a part must be in hex")
        if set(self.lines) != set(Basis):
            raise ValueError(f"lines must have {', '.join(Basis)}")
        if any(len(line.weights) != len(self.parts) for line in self.lines.values()):
            raise ValueError("a line must have a weight for each part")


@dataclass(frozen=True)
class PartScore:
    """What a part says of a picture: its calibrated logit, what that rests on, and whether faces were looked for."""

    logit: float
    basis: Basis
    looked_for_faces: bool


@dataclass(frozen=True)
class FusedScore:
    """The weighted sum (a logit, not calibrated yet), what it rests on, and what each part added to it."""

    logit: float
    basis: Basis
    contributions: tuple[float, ...]

    @property
    def leading(self) -> int:
        """The place of the part that raises the score most."""
        return max(range(len(self.contributions)), key=lambda number: self.contributions[number])


def fused(fusion: LateFusion, scores: Sequence[PartScore]) -> FusedScore:
    """The score of a picture from those of the parts, in their order."""
    line = fusion.lines[line_basis(fusion.parts, scores)]
    contributions = line.contributions([score.logit for score in scores])
    return FusedScore(line.offset + sum(contributions), basis_of(scores), contributions)


def basis_of(scores: Sequence[PartScore]) -> Basis:
    """What the parts' scores rest on together."""
    bases = {score.basis for score in scores}
    return bases.pop() if len(bases) == 1 else Basis.BOTH


def line_basis(parts: Sequence[Part], scores: Sequence[PartScore]) -> Basis:
    """By which line a picture is scored.

    Where nobody was to look for faces, parts that are not made for whole pictures take it for the crop of a face.
    """
    basis = basis_of(scores)
    taken_as_crop = not any(score.looked_for_faces for score in scores) and not all(part.whole_images for part in parts)
    return Basis.FACES if basis is Basis.WHOLE and taken_as_crop else basis


def counting(parts: Sequence[Part], basis: Basis) -> tuple[bool, ...]:
    """Which parts count for pictures of this basis."""
    if basis is not Basis.WHOLE or not any(part.whole_images for part in parts):
        return (True,) * len(parts)
    return tuple(part.whole_images for part in parts)
