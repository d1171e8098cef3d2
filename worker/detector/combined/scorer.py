"""Models that score together. Imports no torch."""

from collections.abc import Sequence

from ..checkpoints.card import CheckpointCard
from ..checkpoints.late_fusion import FusedScore, LateFusion, PartScore, fused
from ..faces.input_selection import Wanted
from ..inference.device import ChosenDevice
from ..inference.scorer import Scorer


class CombinedScorer:
    """The parts of a combination, each with its own network, preprocessing and rules, and the card with their weights.

    Each part is shown inputs of its own: `wanted` has them in the order of the parts.
    """

    def __init__(self, card: CheckpointCard, parts: Sequence[Scorer]) -> None:
        if card.fusion is None or len(card.fusion.parts) != len(parts):
            raise ValueError("a combination needs a scorer for each of its parts")
        self.card = card
        self.fusion: LateFusion = card.fusion
        self.parts = tuple(parts)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the parts, in their order."""
        return tuple(part.name for part in self.fusion.parts)

    @property
    def wanted(self) -> tuple[Wanted, ...]:
        """What each part is shown of a picture."""
        return tuple(wanted for part in self.parts for wanted in part.wanted)

    @property
    def device(self) -> ChosenDevice:
        """That of the first part; imported networks run on the CPU beside it."""
        return self.parts[0].device

    @property
    def ran_on(self) -> str:
        """Devices and runtimes of the parts, as every verdict keeps them."""
        return " + ".join(dict.fromkeys(part.ran_on for part in self.parts))[:64]

    @property
    def calls_at_once(self) -> int:
        """How many threads may ask for scores: as the most patient part likes it."""
        return max(part.calls_at_once for part in self.parts)

    @property
    def shown_part(self) -> int:
        """The place of the part whose faces and frames are shown: the first that looks for faces, else the first."""
        return next((number for number, one in enumerate(self.wanted) if one.shown.looked_for), 0)

    def fused(self, scores: Sequence[PartScore]) -> FusedScore:
        """The calibrated logit of a picture from what the parts say of it."""
        found = fused(self.fusion, scores)
        calibration = self.card.calibration
        return FusedScore(calibration.slope * found.logit + calibration.offset, found.basis, found.contributions)


# Whatever a checkpoint may hold.
AnyScorer = Scorer | CombinedScorer
