"""Which parts of a picture are looked at: all proposals lie in them, and their pixels are those of the whole look."""

import numpy as np
import pytest
from PIL import Image

from worker.detector.faces.parts import GRID, REACH, SHOWN, Part, joined, parts_of
from worker.detector.faces.sieve import Proposal

SIZE = (2000, 1500)
SEARCHED = 0.672  # to 1344 x 1008


def noise(width: int, height: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(3).integers(0, 256, (height, width, 3), np.uint8))


@pytest.mark.parametrize("largest", [30.0, 90.0, 400.0, 1400.0])
@pytest.mark.parametrize(("x", "y"), [(1000, 700), (3, 2), (1999, 1499), (1990, 40)])
def test_a_proposal_lies_in_a_part_with_room_around_it(x: float, y: float, largest: float) -> None:
    [part] = parts_of([Proposal(x, y, largest)], SIZE, SEARCHED)
    scale = part.width / SIZE[0]
    assert scale <= SEARCHED
    assert largest * scale <= SHOWN
    room = REACH * largest * scale
    assert part.left <= max(0, x * scale - room)
    assert part.top <= max(0, y * scale - room)
    assert part.right >= min(part.width, x * scale + room)
    assert part.bottom >= min(part.height, y * scale + room)
    assert part.pixels < (2 * room + GRID + 2) ** 2


def test_no_proposals_no_parts() -> None:
    assert parts_of([], SIZE, SEARCHED) == []


def test_neighbours_share_a_part_and_others_do_not() -> None:
    near = [Proposal(500, 500, 52), Proposal(520, 510, 52), Proposal(505, 495, 52)]
    assert len(parts_of(near, SIZE, SEARCHED)) == 1
    assert len(parts_of([*near, Proposal(1500, 900, 52)], SIZE, SEARCHED)) == 2
    assert len({(part.width, part.height) for part in parts_of([near[0], Proposal(500, 500, 300)], SIZE, SEARCHED)}) == 2


def test_joined_boxes_hold_all_and_are_no_larger_together() -> None:
    rng = np.random.default_rng(7)
    boxes = [(x, y, x + w, y + h) for x, y, w, h in (GRID * rng.integers(1, 12, (80, 4))).tolist()]
    kept = joined(boxes)
    for left, top, right, bottom in boxes:
        assert any(one[0] <= left and one[1] <= top and right <= one[2] and bottom <= one[3] for one in kept)
    assert sum((r - x) * (b - y) for x, y, r, b in kept) <= sum((r - x) * (b - y) for x, y, r, b in set(boxes))
    assert joined(reversed(boxes)) == kept


@pytest.mark.parametrize("box", [(0, 0, 96, 96), (320, 256, 448, 352), (1280, 928, 1344, 1008)])
def test_a_part_is_what_is_cut_from_the_shrunk_picture(box: tuple[int, int, int, int]) -> None:
    picture = noise(*SIZE)
    whole = picture.resize((1344, 1008), Image.Resampling.BILINEAR)
    cut = np.asarray(Part(1344, 1008, *box).cut([picture]), int)
    assert np.abs(cut - np.asarray(whole.crop(box), int)).max() <= 1
    assert (np.asarray(Part(*SIZE, *box).cut([picture])) == np.asarray(picture.crop(box))).all()


def test_a_part_is_cut_from_the_smallest_picture_that_is_large_enough() -> None:
    scales = [Image.new("RGB", size, colour) for size, colour in ((SIZE, "red"), ((1000, 750), "lime"), ((250, 188), "blue"))]
    shown = [
        Part(width, height, 0, 0, 32, 32).cut(scales).getpixel((9, 9)) for width, height in ((1344, 1008), (672, 504), (84, 63))
    ]
    assert shown == [(255, 0, 0), (0, 255, 0), (0, 0, 255)]


@pytest.mark.parametrize("largest", [30.0, 90.0, 400.0])
@pytest.mark.parametrize(("x", "y"), [(1000, 700), (3, 2), (1999, 1499), (700, 40)])
def test_the_sides_of_a_part_are_what_the_network_takes(x: float, y: float, largest: float) -> None:
    [part] = parts_of([Proposal(x, y, largest)], SIZE, SEARCHED)
    assert (part.right - part.left) % GRID == (part.bottom - part.top) % GRID == 0
    assert 0 <= part.left < part.right <= part.width
    assert 0 <= part.top < part.bottom <= part.height
    narrow = parts_of([Proposal(x, 20, largest)], (2000, 40), SEARCHED)
    assert all((one.top, one.bottom) == (0, one.height) for one in narrow)


def test_what_lies_at_an_edge_of_the_part_but_not_of_the_picture_is_left_out() -> None:
    part = Part(1344, 1008, 0, 96, 128, 192)
    assert part.has_within(2, 40, 8)  # at the picture's own edge
    assert not part.has_within(60, 4, 8)
    assert not part.has_within(124, 40, 8)
    assert not part.has_within(60, 92, 8)
    assert Part(128, 192, 0, 96, 128, 192).has_within(127, 95, 8)
