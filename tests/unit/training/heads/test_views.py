"""What heads are fitted on: which parts of a picture are shown."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from training.config.heads_plan import Draws, HeadsPlan
from training.data.augmentation import Augmentation
from training.data.manifest import Row
from training.heads.views import views_of

SIZE = 64
UNTOUCHED = Augmentation(flip=0, crop=1, rescale=0, blur=0, noisy=0, tone=0, recompress=0)


@pytest.fixture
def crops(tmp_path: Path) -> Sequence[Row]:
    """Crops of faces: a ramp from left to right, by which a part is told from the whole."""
    made = []
    for number in range(60):
        path = tmp_path / f"{number}.png"
        ramp = np.linspace(0, 255, SIZE).astype(np.uint8)
        Image.fromarray(np.repeat(np.repeat(ramp[None, :, None], SIZE, 0), 3, 2)).save(path)
        made.append(Row(path, 0, "crops", "", "", path.name, "train"))
    return made


def widths(rows: Sequence[Row], uncut: float) -> list[float]:
    """How much of the ramp each row's draw shows, 0..1."""
    plan = HeadsPlan(("crops",), draws=Draws(uncut=uncut, part=0.5), augmentation=UNTOUCHED)
    shown = [views_of(row, plan, SIZE)[1][0] for row in rows]
    return [float(np.ptp(image_HWC[SIZE // 2, :, 0].astype(int))) / 255 for image_HWC in shown]


def test_a_share_of_crops_is_shown_whole(crops: Sequence[Row]) -> None:
    """As scanning shows such pictures; the others are parts of them."""
    found = widths(crops, 0.4)

    assert 0.2 < np.mean([width > 0.97 for width in found]) < 0.65
    assert min(found) < 0.7
    assert min(widths(crops, 1.0)) > 0.97
    assert np.mean([width > 0.97 for width in widths(crops, 0.0)]) < 0.2


def test_draws_are_the_same_each_time(crops: Sequence[Row]) -> None:
    plan = HeadsPlan(("crops",), draws=Draws(crop=2), augmentation=replace(UNTOUCHED, flip=0.5))
    for row in crops[:5]:
        one, other = (views_of(row, plan, SIZE) for _ in range(2))
        assert one[0] == other[0]
        np.testing.assert_array_equal(np.stack(one[1]), np.stack(other[1]))


@pytest.mark.parametrize("uncut", [-0.1, 1.1])
def test_shares_are_shares(uncut: float) -> None:
    with pytest.raises(ValueError, match="uncut"):
        Draws(uncut=uncut)
