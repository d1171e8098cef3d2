"""Cards in words, with everything that a card may hold and with next to nothing."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from worker.detector.checkpoints.card import CheckpointCard
from worker.detector.checkpoints.card_tables import anchors_table, costs_line, further_tables, history_table, robustness_table
from worker.detector.checkpoints.card_text import card_text

FIGURE = {"value": 0.5, "low": 0.4, "high": 0.6}
BOTH: dict[str, Any] = {"real": 1000, "fake": 2, "auc": FIGURE, "cllr": FIGURE, "minimal_dcf": FIGURE, "f1_real": FIGURE}
FIGURES: dict[str, Any] = {
    "threshold": 0.75,
    "band_low": 0.5,
    "costs": {"miss": 1.0, "false_alarm": 10.0, "p_fake": 0.01},
    "pooled": BOTH,
    "sources": {"reals": {"real": 1000, "fake": 0, "false_alarm_rate": FIGURE}},
    "generators": {"g|1": {"real": 3, "fake": 2, "reals_from": ["a", "b"], "auc": {"value": 1.0, "low": None, "high": None}}},
}
UNDER = {"drift_mean": 0.0123, "drift_95": 0.1, "relabelled": 0.02, "reversed": 0.0}
ROBUSTNESS: dict[str, Any] = {
    "images": 1002,
    "conditions": [{"name": "JPEG 70", "does": "saved as JPEG", "pooled": {"auc": FIGURE, **UNDER}, "sources": {}}],
}
ANCHOR: dict[str, Any] = {"name": "them", "figures": {"auc": 0.9}, "same_data": False, "note": "Of other faces."}


def test_a_card_shows_everything_that_it_holds(card: CheckpointCard) -> None:
    full = replace(
        card,
        training={
            "rows": 1234,
            "plan": {"sizes": [128, 160], "epochs": 5, "batch_size": 32},
            "history": [{"what": "first", "sizes": [128, 160], "result": "diverged"}],
        },
        metrics={"split": "test", **FIGURES, "anchors": [ANCHOR], "robustness": ROBUSTNESS},
    )

    text = card_text(full, Path("x/tiny.safetensors"), "0" * 64)

    titles = [line for line in text.splitlines() if line.startswith("#")]
    assert titles == [
        "# tiny",
        "## Measured on split `test`",
        "## Beside published figures",
        "## Robustness",
        "## History",
        "## Limits",
    ]
    assert "Trained on 1,234 images" in text
    assert "5 epochs at 128, 160 pixels" in text
    assert "| first | 128, 160 | diverged |" in text
    assert "C_miss = 1, C_fa = 10, P(fake) = 0.01; normalised by 0.01" in text
    assert "chosen on the same images" not in text  # they were chosen on `val`


def test_a_card_that_holds_little_says_what_it_can(card: CheckpointCard) -> None:
    text = card_text(card, Path("tiny.safetensors"), "0" * 64)

    assert "A score of 0.750 or more is called fake, from 0.500 on uncertain" in text
    assert "## Measured" not in text
    assert "## History" not in text
    assert "Trained on" not in text


def test_figures_on_val_are_said_to_be_chosen_there(card: CheckpointCard) -> None:
    rates = {"false_alarm_rate": 0.012, "flagged_real_rate": 0.05, "hit_rate": 0.7, "flagged_fake_rate": 0.8}
    measured = replace(card, metrics={"split": "val", **FIGURES, "cross_fitted": rates})

    text = card_text(measured, Path("tiny.safetensors"), "0" * 64)

    assert "Calibration and thresholds were chosen on the same images." in text
    assert "the other half of the groups: 0.012 of real images called fake (0.050 flagged), 0.700 of fake ones" in text


def test_a_threshold_from_own_photographs_is_said(card: CheckpointCard) -> None:
    record = {"reals": 500, "from_sha256": "ab", "false_alarm_rate": {"value": 0.01, "low": 0.003, "high": 0.023}}

    text = card_text(replace(card, training={"calibrated": record}), Path("mine.safetensors"), "0" * 64)

    assert (
        "set from 500 real photographs of its user (checkpoint sha256 `ab`): of these 1.00% are called fake [0.30%, 2.30%]"
        in text
    )


def test_further_tables_leave_out_what_nobody_has() -> None:
    parts = further_tables(FIGURES)

    assert len(parts) == 8  # four tables, each after its line
    assert all("| reals |" not in part for part in parts)  # one label: no such figure
    assert "| g\\|1 | 3 | 2 | 1.000 | - | - | - | a, b |" in parts[-1]
    assert further_tables({"pooled": {"real": 1, "fake": 1, "auc": FIGURE}, "sources": {}}) == []


def test_costs_that_a_card_does_not_state_are_even() -> None:
    assert "C_miss = 1, C_fa = 1, P(fake) = 0.5; normalised by 0.5" in costs_line({})


def test_published_figures_are_marked() -> None:
    """Published figures stand beside ours with their mark."""
    text = anchors_table(FIGURES, [ANCHOR, {**ANCHOR, "name": "we", "same_data": True, "note": ""}])

    assert text.splitlines()[0] == "| figure | measured here | them (not the same data) | we |"
    assert "| AUC | 0.500 [0.400, 0.600] | 0.9000 | 0.9000 |" in text
    assert "| EER | - | - | - |" in text
    assert text.endswith("\n\nthem: Of other faces.")


def test_the_robustness_table_shows_drift_and_flips() -> None:
    assert robustness_table(ROBUSTNESS).splitlines()[2] == (
        "| JPEG 70 | 0.500 [0.400, 0.600] | - | - | - | 0.0123 | 0.1000 | 0.0200 | 0.0000 |"
    )


def test_free_text_cannot_break_a_table() -> None:
    text = history_table([{"what": "a | b\nc", "sizes": None, "result": "ok"}])

    assert text.splitlines()[2:] == ["| a \\| b c | - | ok |"]
