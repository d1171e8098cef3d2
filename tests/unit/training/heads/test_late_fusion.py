"""Weights of a late fusion, on logits of models that are known to be good, useless or wrong."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from scanner.domain.states import Basis
from training.data.manifest import Row
from training.heads.late_fusion import Scored, fit_fusion, out_of_fold, scored
from training.heads.logistic import CannotFit
from worker.detector.checkpoints.late_fusion import Part, PartScore, fused

FACES, WHOLE, WRONG = (
    Part(name, f"{number:064x}", 0.5, 0.3, whole) for number, (name, whole) in enumerate((("a", False), ("b", True), ("c", True)))
)


def pictures(count: int = 400, sources: int = 8, seed: int = 0) -> Scored:
    """Two models that know something, and a third that votes backwards. A quarter of the pictures show no face."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, count)
    signs = np.where(labels == 1, 1.0, -1.0)
    logits_IN = np.stack([signs * 2, signs * 0.5, -signs], axis=1) + rng.normal(0, 1, (count, 3)) * [1.5, 1, 1] + [3, 0, 0]
    bases = np.where(np.arange(count) % 4 == 0, "whole", "both")
    rows = tuple(
        Row(Path(f"{number}.png"), int(label), f"s{number % sources}", "", "", f"g{number}", "train")
        for number, label in enumerate(labels)
    )
    return Scored((FACES, WHOLE, WRONG), rows, logits_IN, bases)


def test_no_model_votes_backwards_and_the_better_one_weighs_more() -> None:
    fusion = fit_fusion(pictures())
    both, whole = fusion.lines["both"], fusion.lines["whole"]
    assert both.weights[0] > both.weights[1] > both.weights[2] == 0
    # Without a face the model of faces does not count.
    assert whole.weights[0] == 0 < whole.weights[1]
    assert whole.weights[2] == 0


def test_without_a_bound_in_its_way_it_is_logistic_regression() -> None:
    found = pictures()
    own = replace(found, logits_IN=found.logits_IN * [1, 1, -1], bases_I=np.full(len(found.rows), "both"))
    line = fit_fusion(own).lines["both"]
    weights = np.empty(len(own.rows))
    for label in (0, 1):
        for source in set(own.sources.tolist()):
            chosen = (own.labels == label) & (own.sources == source)
            weights[chosen] = chosen.sum() ** -0.5
        weights[own.labels == label] /= 2 * weights[own.labels == label].sum()
    centres = weights @ own.logits_IN
    spreads = np.sqrt(weights @ (own.logits_IN - centres) ** 2)
    reference = LogisticRegression(C=1 / 1e-3, tol=1e-10, max_iter=10_000)
    reference.fit((own.logits_IN - centres) / spreads, own.labels, sample_weight=weights)
    assert line.weights == pytest.approx((reference.coef_[0] / spreads).tolist(), rel=1e-3)
    assert line.offset == pytest.approx(float(reference.intercept_[0]), abs=1e-3)
    assert line.centres == pytest.approx(centres.tolist())


def test_a_basis_with_few_pictures_takes_the_line_of_all() -> None:
    found = pictures()
    bases = np.full(len(found.rows), "both")
    bases[:10] = "faces"
    lines = fit_fusion(replace(found, bases_I=bases)).lines
    everything = fit_fusion(replace(found, bases_I=np.full(len(bases), "both"))).lines["both"]
    assert lines["faces"] == everything
    assert lines["both"] != everything


def test_a_picture_is_judged_by_weights_that_were_fitted_without_its_source() -> None:
    found = pictures()
    own = found.sources == "s3"
    relabelled = tuple(replace(row, label=1 - row.label) if row.source == "s3" else row for row in found.rows)
    before, after = (out_of_fold(one, 8) for one in (found, replace(found, rows=relabelled)))
    assert np.array_equal(before[own], after[own])
    assert not np.allclose(before[~own], after[~own])


def test_what_is_fitted_is_what_scans() -> None:
    """The logits of `out_of_fold` are summed as those of a picture are."""
    found = pictures(sources=2)
    fusion = fit_fusion(found)
    scores = [
        PartScore(logit, Basis.FACES if number == 0 else Basis.WHOLE, number == 0) for number, logit in enumerate((9, 1, 2))
    ]
    assert scored(found.parts, found.rows[:1], [scores]).bases_I.tolist() == ["both"]
    line = fusion.lines["both"]
    clipped = np.clip([9, 1, 2], line.lowest, line.highest)
    assert fused(fusion, scores).logit == pytest.approx(line.offset + np.dot(line.weights, clipped - np.asarray(line.centres)))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda found: {"logits_IN": np.zeros_like(found.logits_IN)}, "nothing is gained"),
        (lambda found: {"logits_IN": -found.logits_IN * [1, 1, 0]}, "nothing is gained"),
        (lambda found: {"logits_IN": found.logits_IN * np.nan}, "no number"),
        (lambda found: {"rows": tuple(replace(row, label=1) for row in found.rows)}, "real and fake"),
    ],
)
def test_what_cannot_be_fitted_is_said(change: Any, reason: str) -> None:
    found = pictures()
    with pytest.raises(CannotFit, match=reason):
        fit_fusion(replace(found, **change(found)))


def test_one_source_is_too_few() -> None:
    with pytest.raises(CannotFit, match="some sources and judged on others"):
        out_of_fold(pictures(sources=1), 4)
