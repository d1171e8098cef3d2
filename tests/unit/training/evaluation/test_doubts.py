"""What is said of a network that is worth nothing."""

from typing import Any

import pytest

from training.evaluation.doubts import doubts_about


def pooled(**figures: float) -> dict[str, Any]:
    return {"pooled": {"real": 5, "fake": 5, **{name: {"value": value} for name, value in figures.items()}}}


@pytest.mark.parametrize(
    ("figures", "words"),
    [
        (pooled(auc=0.4, hit_rate=0.2, flagged_fake_rate=0.3), ["no better than chance"]),
        (pooled(auc=0.9, hit_rate=0.0, flagged_fake_rate=0.0), ["flags no fake at all"]),
        (pooled(auc=0.9, hit_rate=0.0, flagged_fake_rate=0.25), ["calls no fake fake; 25%"]),
        (pooled(auc=0.5, hit_rate=0.0, flagged_fake_rate=0.0), ["chance", "flags no fake"]),
        (pooled(auc=0.9, hit_rate=0.5, flagged_fake_rate=0.6), []),
        (pooled(false_alarm_rate=0.1), []),
    ],
)
def test_doubts(figures: dict[str, Any], words: list[str]) -> None:
    found = doubts_about(figures)

    assert len(found) == len(words)
    assert all(word in doubt for word, doubt in zip(words, found, strict=True))
