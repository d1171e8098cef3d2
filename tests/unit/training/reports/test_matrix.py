"""Detectors against sets, made from predictions alone."""

import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from training.data.manifest import Row
from training.evaluation import figures
from training.reports.matrix import is_in_domain, matrix_of
from training.reports.matrix_text import matrix_text, prepare_matrix, titles, write_matrix
from training.reports.prediction_files import PredictionsError
from training.reports.predictions import Origin, Predictions, Trained
from training.reports.report import ReportUnwritable


@pytest.fixture(autouse=True)
def _few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "DRAWS", 5)


def row(source: str, number: int, label: int, *, generator: str = "", video: str = "") -> Row:
    return Row(Path(f"/{source}/{number}.png"), label, source, "", generator, f"{source}{number}", "test", video)


def rows_of(source: str, count: int = 8) -> list[Row]:
    return [row(source, number, number % 2, generator=f"g{number % 4}" * (number % 2)) for number in range(count)]


def said(rows: Sequence[Row], sha: str, trained: Trained, seed: int = 0) -> Predictions:
    """Scores that are right by and large, other ones for each seed."""
    rng = np.random.default_rng([seed, *sha.encode()])
    logits = np.asarray([2.0 * each.label - 1 for each in rows]) + rng.normal(0, 1.5, len(rows))
    checkpoint = {"name": "net", "file": f"{sha}.safetensors", "sha256": sha, "created_at": ""}
    origin = Origin(checkpoint, {"file": "m.csv", "sha256": "1"}, "test", 0.5, 0.4, 0.5, calibrated_here=False, versions={})
    return Predictions(rows, 1 / (1 + np.exp(-logits)), logits, None, replace(origin, trained=trained))


def test_one_line_a_detector_one_column_a_source() -> None:
    """Predictions on several sets are put together, by whichever file they come."""
    a, b = rows_of("a"), rows_of("b")
    first, second = Trained(("a",), setup="1"), Trained(("b",), setup="2")
    parts = [said(a, "x", first), said(b, "x", first, 1), said([*a, *b], "y", second)]

    found = matrix_of(parts)

    assert found["tested_on"] == ["a", "b"]
    assert titles(found) == ["a", "b"]
    one, other = found["detectors"]
    assert [cell["in_domain"] for cell in one["cells"].values()] == [True, False]
    assert [cell["in_domain"] for cell in other["cells"].values()] == [False, True]
    auc = one["cells"]["b"]["frame"]["auc"]
    assert auc["value"] == pytest.approx(roc_auc_score([each.label for each in b], parts[1].scores))
    assert auc["low"] <= auc["value"] <= auc["high"]
    assert one["mean_elsewhere"]["frame"]["auc"]["values"] == [auc["value"]]
    assert one["mean"]["frame"]["auc"]["value"] == pytest.approx((auc["value"] + one["cells"]["a"]["frame"]["auc"]["value"]) / 2)
    assert one["pooled"]["frame"]["real"] == 8
    assert one["cells"]["a"]["video"] is None


def test_seeds_are_one_line_with_mean_and_deviation() -> None:
    rows = [*rows_of("a"), *rows_of("b")]
    runs = [said(rows, f"run{seed}", Trained(("a",), seed=seed, setup="same"), seed) for seed in (2, 0, 1)]

    [line] = matrix_of(runs)["detectors"]

    assert line["seeds"] == [0, 1, 2]
    auc = line["pooled"]["frame"]["auc"]
    assert auc["values"] == [pytest.approx(roc_auc_score([r.label for r in rows], runs[place].scores)) for place in (1, 2, 0)]
    assert auc["value"] == pytest.approx(np.mean(auc["values"]))
    assert auc["deviation"] == pytest.approx(np.std(auc["values"], ddof=1))
    means = line["mean"]["frame"]["auc"]
    both = [[line["cells"][name]["frame"]["auc"]["values"][place] for name in "ab"] for place in range(3)]
    assert means["deviation"] == pytest.approx(np.std(np.mean(both, axis=1), ddof=1))
    assert f"{auc['value']:.3f} ± {auc['deviation']:.3f}" in matrix_text(
        {"by": "source", "tested_on": ["a", "b"], "detectors": [line]}, "auc"
    )


def test_a_seed_that_was_trained_twice_is_two_lines() -> None:
    """As one of another threshold, or one made anew: what differs is not the seed."""
    rows = rows_of("a")
    runs = [said(rows, sha, Trained(("a",), seed=1, setup="same")) for sha in ("x", "y")]

    found = matrix_of(runs)

    assert [line["seeds"] for line in found["detectors"]] == [[1], [1]]
    assert titles(found) == ["net: a (x.safetensors, x)", "net: a (y.safetensors, y)"]


def test_frames_and_videos_side_by_side() -> None:
    """A video of one bad frame in three is right as a whole; accuracy is of the network's own sigmoid."""
    rows = [row("a", number, number // 6, video=f"clip{number // 3}") for number in range(12)] + [row("a", 12, 0)]
    found = said(rows, "x", Trained())
    logits = np.asarray([-2.0, -1.0, 2.0, -2.0, -1.0, 2.0, 2.0, 1.0, -3.0, 2.0, 1.0, -3.0, 9.0])
    found = replace(found, logits=logits, scores=1 / (1 + np.exp(-logits + 3)))

    [line] = matrix_of([found])["detectors"]

    frame, video = line["cells"]["a"]["frame"], line["cells"]["a"]["video"]
    assert (frame["real"], frame["fake"], video["real"], video["fake"]) == (7, 6, 2, 2)
    assert frame["accuracy_raw"]["value"] == pytest.approx(8 / 13)
    assert video["accuracy_raw"]["value"] == 1
    assert frame["auc"]["value"] < video["auc"]["value"] == 1


def test_a_source_of_one_label_is_ranked_against_the_other_elsewhere() -> None:
    reals, both = [row("reals", number, 0) for number in range(4)], rows_of("both")
    found = matrix_of([said([*reals, *both], "x", Trained(("both",)))])
    [line] = found["detectors"]

    assert line["cells"]["reals"]["ranked_against_others"]
    assert (line["cells"]["reals"]["frame"]["real"], line["cells"]["reals"]["frame"]["fake"]) == (4, 4)
    assert not line["cells"]["both"]["ranked_against_others"]
    assert " †" in matrix_text(found, "auc")

    [alone] = matrix_of([said(reals, "x", Trained())])["detectors"]
    assert alone["cells"]["reals"]["frame"] == {"real": 4, "fake": 0}
    assert alone["mean"]["frame"] == {}


def test_by_generator() -> None:
    found = matrix_of([said(rows_of("a"), "x", Trained(generators=("g1",)))], "generator")
    [line] = found["detectors"]
    assert found["tested_on"] == ["g1", "g3"]
    assert [cell["in_domain"] for cell in line["cells"].values()] == [True, False]
    assert [cell["frame"]["real"] for cell in line["cells"].values()] == [4, 4]


def test_collections_in_cards_hold_their_members() -> None:
    trained = Trained(("faces", "web (12 sources)"))
    assert is_in_domain("web:flickr", "source", trained)
    assert is_in_domain("faces", "source", trained)
    assert not is_in_domain("webcam:one", "source", trained)
    assert not is_in_domain("web", "source", trained)


def test_what_does_not_go_together() -> None:
    rows, seeds = rows_of("a"), [Trained(seed=seed, setup="same") for seed in range(2)]
    with pytest.raises(PredictionsError, match="the same pictures"):
        matrix_of([said(rows, "x", seeds[0]), said(rows[:3], "x", seeds[0])])
    with pytest.raises(PredictionsError, match="different pictures"):
        matrix_of([said(rows, "x", seeds[0]), said(rows[:6], "y", seeds[1])])


def test_a_folder_of_tables_and_a_picture(tmp_path: Path) -> None:
    rows = [*rows_of("$a"), *rows_of("_b|c")]
    document = matrix_of([said(rows, "x", Trained(("$a",))), said(rows, "y", Trained(("_b|c",)))])
    prepare_matrix(tmp_path / "out", "source", replace=False)

    path = write_matrix(document, tmp_path / "out", "equal_error_rate")

    text = path.read_text(encoding="utf-8")
    assert "## EER per picture" in text
    assert "| trained on | $a | _b\\|c | mean | mean of others |" in text
    assert "video" not in text
    assert path.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    with path.with_suffix(".csv").open(newline="", encoding="utf-8") as opened:
        lines = list(csv.DictReader(opened))
    assert {line["tested_on"] for line in lines} == {"$a", "_b|c", "all"}
    [one] = [each for each in lines if (each["detector"], each["tested_on"], each["measure"]) == ("$a", "_b|c", "auc")]
    assert float(one["value"]) == document["detectors"][0]["cells"]["_b|c"]["frame"]["auc"]["value"]
    with pytest.raises(ReportUnwritable, match="earlier matrix"):
        prepare_matrix(tmp_path / "out", "source", replace=False)
    prepare_matrix(tmp_path / "out", "generator", replace=False)
