"""Figures of groups of pictures."""

from pathlib import Path

import numpy as np
import pytest

from training.data.manifest import Row
from training.evaluation import figures
from training.evaluation.logits import ScannedScores
from training.evaluation.metrics import auc
from training.reports.breakdown import breakdown, breakdown_parts


@pytest.fixture(autouse=True)
def _few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "DRAWS", 5)


def made() -> tuple[list[Row], ScannedScores]:
    rng = np.random.default_rng(0)
    rows, faces, logits = [], [], []
    for number in range(120):
        label = number % 2
        family = "real" if not label else ("gan", "swap")[number // 2 % 2]
        rows.append(Row(Path(f"{number}.png"), label, f"source{number % 3}", family, "", str(number), "val"))
        faces.append((0, 1, 2, 4, 9)[number // 4 % 5])
        logits.append(rng.normal(label * (2 if family == "gan" else 0.5)))
    bases = np.where(np.asarray(faces) > 0, "both", "whole")
    return rows, ScannedScores(np.asarray(logits), bases, np.asarray(faces))


def test_each_group_has_its_own_figures() -> None:
    rows, scanned = made()
    found = breakdown(rows, scanned, 0.9, 0.6)

    assert set(found) == {"sources", "kinds", "faces", "with_and_without"}
    assert list(found["faces"]) == ["0", "1", "2", "3-5", "6 and more"]
    labels = np.asarray([row.label for row in rows])
    chosen = scanned.faces == 0
    without = found["with_and_without"]["without a face"]
    assert without["auc"]["value"] == pytest.approx(auc(labels[chosen], scanned.scores[chosen]))
    assert without == found["faces"]["0"]
    reals = (labels == 0) & chosen
    assert without["false_alarm_rate"]["value"] == pytest.approx(np.mean(scanned.scores[reals] >= 0.9))
    assert without["flagged_real_rate"]["value"] == pytest.approx(np.mean(scanned.scores[reals] >= 0.6))
    # A family's fakes are set against all reals.
    assert (found["kinds"]["gan"]["real"], found["kinds"]["gan"]["fake"]) == (60, 30)
    assert found["kinds"]["gan"]["auc"]["value"] > found["kinds"]["swap"]["auc"]["value"]
    assert sum(own["real"] + own["fake"] for own in found["sources"].values()) == 120


def test_the_tables_say_it() -> None:
    rows, scanned = made()
    text = "\n\n".join(
        breakdown_parts(
            breakdown(
                [row for row in rows if not row.label],
                ScannedScores(scanned.logits[::2], scanned.bases[::2], scanned.faces[::2]),
                0.9,
                0.6,
            )
        )
    )

    assert "By the number of faces that were judged:" in text
    assert "| 6 and more | 12 | 0 | - | - | - | " in text
    assert "By kind" not in text
