from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
from PIL import Image

from training.data.augmentation import Augmentation
from training.data.dataset import Pictures, epoch_order
from training.data.manifest import Row
from worker.detector.image.preprocess import to_square


def test_without_a_seed_a_sample_is_what_the_worker_sees(rows: Sequence[Row]) -> None:
    pictures = Pictures(rows, 16)

    assert len(pictures) == len(rows)
    for index, row in enumerate(rows):
        image, label = pictures[index]
        assert label == row.label
        assert np.array_equal(image, to_square(Image.open(row.path), 16))


def test_augmentation_repeats(rows: Sequence[Row]) -> None:
    """With a seed samples are augmented and repeat exactly."""
    first, again, other = (Pictures(rows, 16, augmentation=Augmentation(), seed=seed) for seed in ("1/0", "1/0", "1/1"))

    indices = range(len(rows))
    assert all(np.array_equal(first[i][0], again[i][0]) for i in indices)
    assert not all(np.array_equal(first[i][0], other[i][0]) for i in indices)
    assert not all(np.array_equal(first[i][0], Pictures(rows, 16)[i][0]) for i in indices)


def test_epoch_repeats_sources(rows: Sequence[Row]) -> None:
    """An epoch holds every row as often as its source repeats."""
    order = epoch_order(rows, {"source1": 3}, "seed/0")

    assert Counter(index % len(rows) for index in order) == {
        index: 3 if row.source == "source1" else 1 for index, row in enumerate(rows)
    }


def test_the_order_of_an_epoch_hangs_on_its_seed_only(rows: Sequence[Row]) -> None:
    assert epoch_order(rows, {}, "seed/0") == epoch_order(rows, {}, "seed/0")
    assert epoch_order(rows, {}, "seed/0") != epoch_order(rows, {}, "seed/1")
    assert epoch_order(rows, {}, "seed/0") != sorted(epoch_order(rows, {}, "seed/0"))


def test_repeated_rows_do_not_repeat_their_pixels(rows: Sequence[Row]) -> None:
    pictures = Pictures(rows, 16, augmentation=Augmentation(), seed="1/0")
    order = epoch_order(rows, {"source0": 4}, "1/0")

    images = [pictures[index][0].tobytes() for index in order]

    assert len(set(images)) == len(images)


def test_an_unreadable_picture_is_named(rows: Sequence[Row]) -> None:
    rows[3].path.write_bytes(b"no picture")

    with pytest.raises(Exception, match=rows[3].path.name):
        Pictures(rows, 16)[3]


def test_a_share_of_the_reals_is_shown_as_forgeries(rows: Sequence[Row]) -> None:
    forging = Pictures(rows, 16, augmentation=Augmentation(forge=0.5), seed="1/0")
    indices = range(40 * len(rows))

    labels = [(rows[index % len(rows)].label, forging[index][1]) for index in indices]

    assert {shown for label, shown in labels if label == 1} == {1}
    forged = [shown for label, shown in labels if label == 0]
    assert 0.4 < sum(forged) / len(forged) < 0.6
