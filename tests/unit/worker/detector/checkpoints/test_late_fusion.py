"""The weighted sum of several models, and which of them count."""

from dataclasses import replace

import pytest

from scanner.domain.states import Basis
from worker.detector.checkpoints.late_fusion import LateFusion, Line, Part, PartScore, counting, fused

FACES, WHOLE = Part("faces", "a" * 64, 0.5, 0.3, False), Part("whole", "b" * 64, 0.5, 0.3, True)


def line(*weights: float, offset: float = 0.0) -> Line:
    return Line(weights, (0.0, 1.0), (-9.0, -9.0), (9.0, 9.0), offset)


LINES = {Basis.FACES: line(3, 0), Basis.BOTH: line(1, 2, offset=0.5), Basis.WHOLE: line(0, 1)}
FUSION = LateFusion((FACES, WHOLE), {basis.value: one for basis, one in LINES.items()})


def scores(*found: tuple[float, Basis, bool]) -> list[PartScore]:
    return [PartScore(*one) for one in found]


def test_the_sum_goes_by_what_the_scores_rest_on() -> None:
    both = fused(FUSION, scores((2, Basis.FACES, True), (3, Basis.WHOLE, False)))
    assert (both.logit, both.basis, both.contributions, both.leading) == (0.5 + 2 + 4, Basis.BOTH, (2, 4), 1)
    # No face was found: the part that was not made for such a picture does not count.
    without = fused(FUSION, scores((8, Basis.WHOLE, True), (3, Basis.WHOLE, False)))
    assert (without.logit, without.basis, without.leading) == (2, Basis.WHOLE, 1)
    # Nobody looked for faces: the picture is taken for the crop of one.
    crop = fused(FUSION, scores((2, Basis.WHOLE, False), (3, Basis.WHOLE, False)))
    assert (crop.logit, crop.basis) == (6, Basis.WHOLE)


def test_a_part_beyond_all_measure_outvotes_no_more_than_the_strongest_that_was_seen() -> None:
    wild = fused(FUSION, scores((1e6, Basis.FACES, True), (-1e6, Basis.WHOLE, False)))
    assert wild.contributions == (9, 2 * (-9 - 1))


def test_who_counts_for_a_picture_without_a_face() -> None:
    assert counting((FACES, WHOLE), Basis.WHOLE) == (False, True)
    assert counting((FACES, WHOLE), Basis.BOTH) == (True, True)
    other = replace(FACES, name="other", sha256="c" * 64)
    assert counting((FACES, other), Basis.WHOLE) == (True, True)  # else nothing would


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"parts": (FACES,)}, "2 to 8 parts"),
        ({"parts": (FACES, replace(WHOLE, name="faces"))}, "once"),
        ({"parts": (FACES, replace(WHOLE, sha256="a" * 64))}, "once"),
        ({"parts": (FACES, replace(WHOLE, sha256="nonsense"))}, "hex"),
        ({"lines": {"faces": line(1, 1)}}, "both"),
        ({"lines": dict.fromkeys(Basis, Line((1.0,), (0.0,), (0.0,), (1.0,)))}, "for each part"),
    ],
)
def test_what_cannot_score_is_refused(changes: dict[str, object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        replace(FUSION, **changes)


@pytest.mark.parametrize(
    "numbers",
    [
        ((-1.0,), (0.0,), (0.0,), (1.0,)),
        ((float("nan"),), (0.0,), (0.0,), (1.0,)),
        ((1.0,), (0.0,), (2.0,), (1.0,)),
        ((1.0, 1.0), (0.0,), (0.0,), (1.0,)),
    ],
)
def test_a_line_that_votes_backwards_or_has_no_numbers_is_refused(numbers: tuple[tuple[float, ...], ...]) -> None:
    with pytest.raises(ValueError, match="must"):
        Line(*numbers)
