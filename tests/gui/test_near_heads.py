"""Heads of stacks are found through bands of bits: the same ones that a comparison of each with each finds."""

import random

import pytest
from test_stacks import item

from gui.models.near_heads import NEAR, NearHeads, are_near
from scanner.review.ordering import QueueItem


def compared(items: list[QueueItem]) -> list[int | None]:
    """The head of each, by comparing it with each head before it."""
    heads: list[QueueItem] = []
    found = []
    for one in items:
        head = next((head for head in heads if are_near(head, one)), None)
        found.append(None if head is None else head.file_id)
        if head is None and one.fingerprint is not None:
            heads.append(one)
    return found


def images(seed: int, count: int) -> list[QueueItem]:
    """Around some fingerprints, of any sign, with up to four bits turned; some without one, of two labels."""
    rng = random.Random(seed)
    centres = [rng.getrandbits(64) - (1 << 63) for _ in range(count // 6)]
    made = []
    for number in range(count):
        turned = sum(1 << bit for bit in rng.sample(range(63), rng.randint(0, NEAR + 1)))
        fingerprint = None if rng.random() < 0.1 else rng.choice(centres) ^ turned
        made.append(item(number + 1, 0.9, fingerprint, rng.choice(["fake", "fake", "uncertain"])))
    return made


@pytest.mark.parametrize("page", [1, 7, 400])
def test_heads_are_those_that_a_comparison_finds(page: int) -> None:
    everything = images(16, 400)
    heads = NearHeads()
    found_of: dict[int, QueueItem] = {}
    for start in range(0, 400, page):
        found_of |= heads.take(everything[start : start + page])
    found = [found_of.get(item.file_id) for item in everything]
    assert [None if head is None else head.file_id for head in found] == compared(everything)
    assert len({head.file_id for head in found if head is not None}) > 20


def test_a_head_that_has_left_is_found_no_more_and_one_that_is_renewed_is() -> None:
    heads = NearHeads()
    first, second, third = item(1, 0.9, -1), item(2, 0.8, -2), item(3, 0.7, -1, "uncertain")
    assert heads.take([first, second, third]) == {second.file_id: first}
    later = item(1, 0.95, -1)
    heads.renew(later)
    assert heads.find(second) is later
    heads.remove(later)
    assert heads.find(second) is None
    heads.add(second)
    assert heads.find(item(4, 0.6, -4)) is second
    assert heads.find(item(5, 0.5, 1 << 62)) is None
    assert heads.find(item(6, 0.5, None)) is None
