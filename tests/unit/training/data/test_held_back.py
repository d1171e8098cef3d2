"""Training groups that are not trained on."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from training.data.held_back import held_back
from training.data.manifest import ManifestError, Row


def test_groups_are_held_back_whole(rows: Sequence[Row]) -> None:
    pairs = [replace(row, group=f"pair{number // 2}") for number, row in enumerate(rows)]  # a real and a fake picture in each

    kept, held = held_back(pairs, 0.25, 1)

    assert len({row.group for row in held}) == 3
    assert not {row.group for row in held} & {row.group for row in kept}
    assert sorted(map(str, (*kept, *held))) == sorted(map(str, pairs))
    assert held_back(list(reversed(pairs)), 0.25, 1)[1] == tuple(reversed(held))
    assert held_back(pairs, 0.25, 2)[1] != held


def test_both_parts_need_both_labels(rows: Sequence[Row]) -> None:
    with pytest.raises(ManifestError, match=r"of 20 groups in split 'train' 1 are held back .*to choose the epoch by lacks"):
        held_back(rows, 0.01, 1)
    one = [replace(row, group="anna") for row in rows]
    with pytest.raises(ManifestError, match="to train on lacks"):
        held_back(one, 0.5, 1)
