"""Whose fault it is when a batch has no scores; the network is a function of ours."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from worker.pipeline.scoring import NetworkFails, OutOfMemory, answers_or_reasons, scored_inputs

POISON = 13
Images = NDArray[np.uint8]
Found = NDArray[np.float64]


def images(*shades: int) -> Images:
    return np.stack([np.full((4, 4, 3), shade, np.uint8) for shade in shades])


def network(batch: Images) -> Found:
    """The shade as an answer; fails on a batch that has the poison in it."""
    if (batch[:, 0, 0, 0] == POISON).any():
        raise RuntimeError("bad shade")
    return batch[:, 0, 0, 0] / 255


@given(st.lists(st.integers(0, 255) | st.just(POISON), min_size=1, max_size=20))
def test_only_the_guilty_are_charged(shades: list[int]) -> None:
    """Only the guilty are blamed and all others scored."""
    found = answers_or_reasons(network, images(*shades))
    assert len(found) == len(shades)
    for shade, outcome in zip(shades, found, strict=True):
        if shade == POISON:
            assert outcome == "the network fails on it: bad shade"
        else:
            assert outcome == shade / 255


def test_what_is_not_a_number_is_no_score() -> None:
    found = answers_or_reasons(lambda batch: np.where(batch[:, 0, 0, 0] == POISON, np.nan, 0.5), images(1, POISON, 2))
    assert found[0] == found[2] == 0.5
    assert "not a number" in str(found[1])


@pytest.mark.parametrize("count", [1, 2, 7])
def test_a_broken_network_is_no_ones_fault(count: int) -> None:
    def broken(_: Images) -> Found:
        raise RuntimeError("the device has failed")

    with pytest.raises(NetworkFails, match="device has failed"):
        answers_or_reasons(broken, images(*range(count)))


def test_network_gives_no_numbers() -> None:
    """A network that gives no numbers at all is no ones fault."""
    with pytest.raises(NetworkFails, match="not a number"):
        answers_or_reasons(lambda batch: np.full(len(batch), np.nan), images(1, 2))


def test_too_large_a_batch() -> None:
    """Too large a batch for the memory is done in parts."""

    def small(batch: Images) -> Found:
        if len(batch) > 2:
            raise MemoryError
        return network(batch)

    assert answers_or_reasons(small, images(*range(9))) == [shade / 255 for shade in range(9)]


def test_no_memory_for_even_one_is_no_ones_fault() -> None:
    def none_left(_: Images) -> Found:
        raise MemoryError("CUDA out of memory")

    with pytest.raises(OutOfMemory):
        answers_or_reasons(none_left, images(1, 2, 3))


def test_an_input_in_several_framings_has_the_mean_of_their_logits() -> None:
    def as_given(batch: NDArray[np.uint8]) -> NDArray[np.float64]:
        return batch[:, 0, 0, :2] / 10.0 - [0, 1]  # two answers of each image

    first, second, third = (
        [np.full((4, 4, 3), shade, np.uint8) for shade in shades] for shades in ((50,), (50, 200), (50, 50, 200))
    )

    found = scored_inputs(as_given, [first, second, third])

    np.testing.assert_allclose(np.stack(found), [[5, 4], [12.5, 11.5], [10, 9]])
    assert scored_inputs(as_given, []) == []


def test_failed_framing_has_no_score() -> None:
    """An input of which one framing fails has no score."""

    def network(batch: NDArray[np.uint8]) -> NDArray[np.float64]:
        return np.where(batch[:, 0, 0, 0] == POISON, np.nan, 0.5)

    whole, broken = [images(1)[0], images(2)[0]], [images(1)[0], images(POISON)[0]]

    found = scored_inputs(network, [whole, broken])

    assert found[0] == 0.5
    assert isinstance(found[1], str)


@pytest.mark.parametrize("views", [1, 3])
def test_a_batch_of_crowds_goes_to_the_network_in_parts(monkeypatch: pytest.MonkeyPatch, views: int) -> None:
    """And each is made when it is needed: thousands of them would take as much memory again."""
    monkeypatch.setattr("worker.pipeline.scoring.VIEWS_AT_ONCE", 4)
    made, asked = list[int](), list[tuple[int, int]]()

    def crowd() -> Iterator[list[Images]]:
        for shade in range(10, 20):
            made.append(shade)
            yield list(images(*[shade] * views))

    def asking(batch: Images) -> Found:
        asked.append((len(batch), len(made)))
        return network(batch)

    found = scored_inputs(asking, crowd())

    failed = POISON - 10
    assert found[failed] == "the network fails on it: bad shade"
    np.testing.assert_allclose([*found[:failed], *found[failed + 1 :]], [[n / 255] for n in range(10, 20) if n != POISON])
    assert max(asked)[0] == (4 if views == 1 else 6)
    assert asked[0][1] == asked[0][0] / views
