"""Published figures to stand beside measured ones, and what they are of."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ..data.manifest import Row

DFWILD_CUP = "dfwild-cup"  # the source name in a manifest that says: these rows are DFWild-Cup's


@dataclass(frozen=True)
class Anchor:
    """Figures somebody published, by the names of `figures.py`; `split`, `real` and `fake` say of which part of DFWild-Cup.

    The counts are 0 where they were not published.
    """

    name: str
    split: str
    real: int
    fake: int
    figures: Mapping[str, float]
    note: str


# Neither states a threshold; 0.5 is the only one that fits. F1 of the paper fits positive = real.
ANCHORS = (
    Anchor(
        "paper (CLIP + ResNet101)",
        "val",
        1548,
        1524,
        {"accuracy_at_half": 0.9124, "f1_real_at_half": 0.9136, "equal_error_rate": 0.0873, "actual_dcf_at_half": 0.0876},
        "Trained on 42,690 real and 219,470 fake images. Its abstract gives a DCF of 0.0391, which is impossible at this EER: "
        "with costs 1, 1 and P = 0.5 no threshold costs less than EER / 2 = 0.0437.",
    ),
    Anchor(
        "DFWild-Cup, validation",
        "val",
        1548,
        1524,
        {"auc": 0.9822, "accuracy_at_half": 0.9613, "equal_error_rate": 0.0388, "actual_dcf_at_half": 0.0391},
        "",
    ),
    Anchor("DFWild-Cup, test", "test", 0, 0, {"auc": 0.9677, "equal_error_rate": 0.09}, ""),
)


def anchors_beside(rows: Sequence[Row], split: str) -> list[dict[str, Any]]:
    """The anchors, JSON-ready, each with `same_data`: whether `rows` are the images that it was measured on.

    They are when DFWild-Cup is the only source of the manifest's `split`, that is the anchor's split, and the numbers of real
    and fake images are those published.
    """
    real = sum(row.label == 0 for row in rows)
    only_cup = {row.source.lower() for row in rows} == {DFWILD_CUP}

    def same(anchor: Anchor) -> bool:
        counted = not anchor.real or (real, len(rows) - real) == (anchor.real, anchor.fake)
        return only_cup and split == anchor.split and counted

    return [{**asdict(anchor), "same_data": same(anchor)} for anchor in ANCHORS]
