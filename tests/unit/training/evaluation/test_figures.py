"""Figures pooled, per source and per generator, and the published ones beside them."""

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score

from training.data.manifest import Row
from training.evaluation.calibration import calibrated, platt
from training.evaluation.figures import figures, measured
from training.evaluation.metrics import Costs, auc, cllr, equal_error_rate, minimal_dcf
from training.evaluation.published_results import ANCHORS, DFWILD_CUP, anchors_beside
from training.evaluation.weighted_metrics import Scores
from worker.detector.checkpoints.card_tables import anchors_table, further_tables

TWO_SIDED = {
    *("auc", "average_precision", "equal_error_rate", "equal_error_threshold", "hit_rate_at_1_percent", "hit_rate_at_5_percent"),
    *("minimal_dcf", "minimal_dcf_normalised", "actual_dcf", "actual_dcf_normalised", "actual_dcf_at_half"),
    *("balanced_accuracy", "accuracy", "f1_fake", "f1_real", "accuracy_at_half", "f1_fake_at_half", "f1_real_at_half"),
    *("expected_calibration_error", "cllr"),
}
OF_REALS, OF_FAKES = {"false_alarm_rate", "flagged_real_rate"}, {"hit_rate", "flagged_fake_rate"}


def scored(*spec: tuple[str, int, str, float]) -> tuple[list[Row], Scores]:
    """Rows of (source, label, generator, score), each a group of its own."""
    rows = [Row(Path(f"{n}.png"), label, source, "", by, str(n), "val") for n, (source, label, by, _) in enumerate(spec)]
    return rows, np.asarray([score for *_, score in spec])


@pytest.fixture
def mixed() -> tuple[list[Row], Scores]:
    return scored(
        ("both", 0, "", 0.1),
        ("both", 0, "", 0.6),
        ("both", 1, "gan", 0.7),
        ("both", 1, "gan", 0.9),
        ("reals", 0, "", 0.2),
        ("reals", 0, "", 0.8),
        ("fakes", 1, "sdxl", 0.3),
        ("fakes", 1, "", 0.95),
    )


def test_a_set_gets_what_is_defined_on_it(mixed: tuple[list[Row], Scores]) -> None:
    found = figures(*mixed, threshold=0.75, band_low=0.5, draws=50)

    assert found["sources"].keys() == {"both", "reals", "fakes"}
    both, reals, fakes = (found["sources"][source] for source in ("both", "reals", "fakes"))
    assert both.keys() == found["pooled"].keys() == {"real", "fake"} | TWO_SIDED | OF_REALS | OF_FAKES
    assert reals.keys() == {"real", "fake"} | OF_REALS
    assert fakes.keys() == {"real", "fake"} | OF_FAKES
    assert [(of["real"], of["fake"]) for of in (both, reals, fakes)] == [(2, 2), (2, 0), (0, 2)]


def test_figures_use_the_cuts_they_name(mixed: tuple[list[Row], Scores]) -> None:
    found = figures(*mixed, threshold=0.75, band_low=0.5, draws=50)

    both = {name: figure["value"] for name, figure in found["sources"]["both"].items() if isinstance(figure, dict)}
    assert (both["auc"], both["equal_error_rate"], both["minimal_dcf"]) == (1.0, 0.0, 0.0)
    assert (both["balanced_accuracy"], both["accuracy"], both["hit_rate"], both["false_alarm_rate"]) == (0.75, 0.75, 0.5, 0.0)
    assert (both["flagged_fake_rate"], both["flagged_real_rate"], both["accuracy_at_half"]) == (1.0, 0.5, 0.75)
    assert (both["f1_fake"], both["f1_real"]) == (pytest.approx(2 / 3), pytest.approx(0.8))
    assert (both["f1_fake_at_half"], both["f1_real_at_half"]) == (pytest.approx(0.8), pytest.approx(2 / 3))
    assert (both["actual_dcf"], both["actual_dcf_normalised"]) == (0.25, 0.5)
    assert found["pooled"]["false_alarm_rate"]["value"] == 0.25


def test_costs_and_prior_are_used_and_said(mixed: tuple[list[Row], Scores]) -> None:
    rows, scores = mixed
    labels = np.asarray([row.label for row in rows])
    costs = Costs(miss=1, false_alarm=4, p_fake=0.1)

    found = figures(rows, scores, 0.75, 0.5, costs=costs, prior=0.2, draws=20)

    pooled = found["pooled"]
    assert found["costs"] == {"miss": 1, "false_alarm": 4, "p_fake": 0.1}
    assert pooled["minimal_dcf"]["value"] == pytest.approx(minimal_dcf(labels, scores, costs))
    assert pooled["minimal_dcf_normalised"]["value"] == pytest.approx(minimal_dcf(labels, scores, costs) / 0.1)
    assert pooled["actual_dcf"]["value"] == pytest.approx(0.1 * 0.5 + 4 * 0.9 * 0.25)
    assert pooled["cllr"]["value"] == pytest.approx(cllr(labels, scores, 0.2))
    assert (found["prior"], found["threshold"], found["band_low"]) == (0.2, 0.75, 0.5)


def test_generator_against_reals(mixed: tuple[list[Row], Scores]) -> None:
    """A generator is set against the reals of its sources or else against all."""
    found = figures(*mixed, threshold=0.75, band_low=0.5, draws=50)["generators"]

    assert found.keys() == {"gan", "sdxl"}  # a fake without a named generator is nobody's
    assert (found["gan"]["reals_from"], found["gan"]["real"], found["gan"]["fake"]) == (["both"], 2, 2)
    assert found["gan"]["auc"]["value"] == 1.0
    assert (found["sdxl"]["reals_from"], found["sdxl"]["real"], found["sdxl"]["fake"]) == (["both", "reals"], 4, 1)
    assert found["sdxl"]["auc"]["value"] == 0.5


def test_generator_in_several_sources() -> None:
    """A generator in several sources meets the reals of those that have some."""
    rows, scores = scored(("a", 1, "g", 0.9), ("a", 0, "", 0.1), ("b", 1, "g", 0.8), ("c", 0, "", 0.95))

    found = figures(rows, scores, 0.5, 0.5, draws=5)["generators"]["g"]

    assert (found["reals_from"], found["real"], found["fake"], found["auc"]["value"]) == (["a"], 1, 2, 1.0)


def test_intervals_come_from_groups() -> None:
    """Intervals hold the figures of a larger set and come from groups."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 300)
    scores = 1 / (1 + np.exp(-rng.normal(2 * labels - 1, 1.5)))
    rows = [Row(Path("x"), int(label), "s", "", "", str(n), "val") for n, label in enumerate(labels)]
    grouped = [Row(Path("x"), int(label), "s", "", "", str(n // 30), "val") for n, label in enumerate(labels)]

    found, clustered = (figures(of, scores, 0.5, 0.4, draws=200)["pooled"] for of in (rows, grouped))

    for name in TWO_SIDED | OF_REALS | OF_FAKES:
        assert found[name]["low"] <= found[name]["value"] <= found[name]["high"], name
        assert clustered[name]["value"] == found[name]["value"]
        assert clustered[name]["low"] != found[name]["low"]
    assert found["auc"]["value"] == pytest.approx(auc(labels, scores))
    assert found["equal_error_rate"]["value"] == pytest.approx(equal_error_rate(labels, scores))


@pytest.mark.parametrize("scores", [[0.0, 1.0, 1.0, 0.0], [0.5, 0.5, 0.5, 0.5], [1.0, 0.0, 0.0, 1.0]])
def test_no_figure_is_nan_or_infinite(scores: list[float]) -> None:
    rows = [Row(Path("x"), n % 2, f"s{n // 2}", "", "g" if n == 1 else "", "one group", "val") for n in range(4)]

    for draws in (1, 20):
        text = json.dumps(figures(rows, np.asarray(scores), 0.9, 0.8, draws=draws), allow_nan=False)
        assert "auc" in text


def test_ends_are_null_where_no_draw_defines_the_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    labels, scores = np.asarray([0, 1]), np.asarray([0.1, 0.9])
    # With seed 0 the first draw takes one of the two groups twice.
    found = measured({"auc": auc.draws}, labels, scores, ["a", "b"], draws=1)

    assert found == {"auc": {"value": 1.0, "low": None, "high": None}}


def test_published_figures_of_other_data() -> None:
    """Published figures are never of the same data unless they are."""

    def marks(source: str, split: str, real: int, fake: int) -> list[bool]:
        rows = [Row(Path("x"), int(n >= real), source, "", "", str(n), split) for n in range(real + fake)]
        return [anchor["same_data"] for anchor in anchors_beside(rows, split)]

    assert marks("dfdc", "val", 1548, 1524) == [False, False, False]
    assert marks(DFWILD_CUP, "val", 1548, 1524) == [True, True, False]
    assert marks("DFWild-Cup", "val", 1548, 1524) == [True, True, False]
    assert marks(DFWILD_CUP, "val", 1548, 1523) == [False, False, False]
    assert marks(DFWILD_CUP, "test", 5, 5) == [False, False, True]
    mixed = [Row(Path("x"), n % 2, source, "", "", "", "test") for n, source in enumerate((DFWILD_CUP, "dfdc"))]
    assert not any(anchor["same_data"] for anchor in anchors_beside(mixed, "test"))


def test_published_figures_agree() -> None:
    """Published figures have the names of ours and agree with each other."""
    for anchor in ANCHORS:
        assert anchor.figures.keys() <= TWO_SIDED
    paper = next(anchor for anchor in ANCHORS if anchor.name.startswith("paper"))
    assert paper.figures["actual_dcf_at_half"] == pytest.approx(1 - paper.figures["accuracy_at_half"], abs=1e-4)
    json.dumps(anchors_beside([Row(Path("x"), 0, "s", "", "", "", "val")], "val"), allow_nan=False)


def test_raw_figures_are_of_the_networks_own_sigmoid() -> None:
    """At a prior of 5:1 the raw sigmoid calls most reals fake; a calibration that was fitted on the images hides that.

    The case of the published detector: five fakes for each real image in training, as many of each in measuring.
    """
    rng = np.random.default_rng(0)
    labels = np.tile([0, 1], 2000)
    raw = rng.normal(np.where(labels == 1, 1.4, -1.4), 1.0) * 2 + np.log(5)
    rows, _ = scored(*[("a", int(label), "", 0.0) for label in labels])
    calibration = platt(labels, raw)

    found = figures(rows, calibrated(calibration, raw), 0.5, 0.5, draws=3, raw=raw, calibrated_here=True)

    pooled = {
        name: found["pooled"][name]["value"] for name in ("accuracy_raw", "accuracy_at_half", "f1_real_raw", "actual_dcf_raw")
    }
    assert pooled["accuracy_raw"] == pytest.approx(accuracy_score(labels, raw >= 0))
    assert pooled["f1_real_raw"] == pytest.approx(f1_score(labels, raw >= 0, pos_label=0))
    assert pooled["accuracy_at_half"] > pooled["accuracy_raw"] + 0.02
    assert pooled["actual_dcf_raw"] == pytest.approx(1 - pooled["accuracy_raw"])
    text = "\n".join([*further_tables(found), anchors_table(found, anchors_beside(rows, "val"), {"accuracy_at_half": 0.91})])
    assert "accuracy at 0.5 (calibrated on these very images)" in text
    beside = {line.split(" | ")[0].strip("| "): line.split(" | ")[1] for line in text.splitlines() if line.startswith("| acc")}
    assert beside["accuracy at 0.5, raw logit"].startswith(f"{pooled['accuracy_raw']:.3f}")
    assert beside["accuracy at 0.5, calibrated on the other half"] == "0.9100"
    assert "accuracy at 0.5, calibrated (" not in text


def test_older_documents_say_how_they_were_calibrated() -> None:
    """A report from before there were raw figures: its figures at 0.5 are named as what they are."""
    old = {"pooled": {"real": 1, "fake": 1, "accuracy_at_half": {"value": 0.9, "low": None, "high": None}}, "sources": {}}

    assert "accuracy at 0.5, calibrated (calibrated on these very images)" in anchors_table(old, [])
