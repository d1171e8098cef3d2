"""The rates that stand beside a verdict, out of a model's card."""

from typing import Any

import pytest

from scanner.domain.states import Label
from scanner.results.measured_rates import Rate, measured_rates
from worker.detector.checkpoints.card import read_card
from worker.detector.inference.registry import bundled_folder


def figure(value: float) -> dict[str, float]:
    return {"value": value, "low": value - 0.01, "high": value + 0.01}


POOLED = {
    "real": 10,
    "fake": 20,
    **{
        name: figure(value)
        for name, value in {
            "false_alarm_rate": 0.02,
            "flagged_real_rate": 0.05,
            "hit_rate": 0.8,
            "flagged_fake_rate": 0.9,
        }.items()
    },
}


def test_held_out_sources_are_what_is_told() -> None:
    """The first row with rates: that of the whole network on all pictures."""
    whole = {"what": "both", "real": 3, "fake": 4, "false_alarm_rate": figure(0.03), "hit_rate": figure(0.5)}
    part = {**whole, "what": "with a face", "real": 1}
    rows = [{"what": "CNN alone", "real": 3, "fake": 4, "auc": figure(0.6)}, whole, part]

    found = measured_rates({"metrics": {"pooled": POOLED, "held_out": {"rows": rows}}}, Label.FAKE)

    assert found is not None
    assert (found.real, found.forged) == (3, 4)
    assert found.of_real == Rate(0.03, 0.03 - 0.01, 0.03 + 0.01)
    assert "none of which it was fitted on" in found.on


@pytest.mark.parametrize(("label", "of_real"), [(Label.FAKE, 0.02), (Label.UNCERTAIN, 0.05), (Label.REAL, 0.05)])
def test_without_them_those_of_the_split_are(label: Label, of_real: float) -> None:
    found = measured_rates({"metrics": {"pooled": POOLED}}, label)

    assert found is not None
    assert found.of_real is not None
    assert found.of_real.value == of_real
    assert found.on == "pictures like those it was trained on"


@pytest.mark.parametrize(
    "card", [{}, {"metrics": None}, {"metrics": {}}, {"metrics": {"pooled": {"real": 1}, "held_out": {"rows": [3]}}}]
)
def test_a_card_without_figures_has_no_rates(card: dict[str, Any]) -> None:
    assert measured_rates(card, Label.FAKE) is None


@pytest.mark.parametrize(("name", "pictures"), [("fusion", 1000), ("lite", 4000)])
def test_bundled_models_have_rates(name: str, pictures: int) -> None:
    card = read_card(bundled_folder() / f"{name}.safetensors")

    found = measured_rates({"metrics": card.metrics}, Label.FAKE)

    assert found is not None
    assert found.real + found.forged > pictures
    assert str(found.of_real).endswith("%)")
