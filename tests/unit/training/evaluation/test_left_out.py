"""Leaving a source out, and measuring on it."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from training.data.manifest import Manifest, ManifestError, Row
from training.evaluation import figures
from training.evaluation.left_out import LeftOut, left_out_figures, left_out_line, without, without_generator, without_source
from training.evaluation.metrics import auc


@pytest.fixture(autouse=True)
def _few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "DRAWS", 5)


def test_nothing_of_the_source_is_left(rows: Sequence[Row]) -> None:
    manifest = Manifest(tuple(rows), "f" * 64)
    kept, left_out = without_source(manifest, "source0")

    assert {row.source for row in kept.rows} == {"source1"}
    assert {row.source for row in left_out} == {"source0"}
    assert len(kept.rows) + len(left_out) == len(rows)
    assert kept.sha256 != manifest.sha256


def test_a_source_that_is_absent_or_all_there_is_cannot_be_left_out(rows: Sequence[Row]) -> None:
    with pytest.raises(ManifestError, match="no source 'absent' to leave out"):
        without_source(Manifest(tuple(rows), ""), "absent")
    with pytest.raises(ManifestError, match="no rows in split 'train'"):
        without_source(Manifest(tuple(replace(row, source="one") for row in rows), ""), "one")


def test_a_source_of_one_label_is_ranked_against_the_others(rows: Sequence[Row]) -> None:
    fakes = [row for row in rows if row.label and row.source == "source0"]
    beside = [row for row in rows if row.source == "source1"]
    rng = np.random.default_rng(0)
    own, others = rng.uniform(0.2, 1, len(fakes)), rng.uniform(0, 0.8, len(beside))

    found = left_out_figures(LeftOut("source", "source0"), fakes, own, beside, others, (0.5, 0.3))

    reals = [number for number, row in enumerate(beside) if not row.label]
    labels = np.asarray([1] * len(fakes) + [0] * len(reals))
    assert found["auc"]["value"] == auc(labels, np.concatenate([own, others[reals]]))
    assert (found["real"], found["fake"]) == (0, len(fakes))
    assert "false_alarm_rate" not in found
    assert found["hit_rate"]["value"] == np.mean(own >= 0.5)
    assert left_out_line(found).startswith(f"left out source0 (0 real, {len(fakes)} fake): AUC ")


def made_by(rows: Sequence[Row]) -> tuple[Row, ...]:
    """The fakes by two generators in turn, each group with a real and a fake."""
    return tuple(
        replace(
            row, generator=f"g{number // 2 % 2}" * row.label, group=f"group{number // 2}", split=("train", "val")[number >= 12]
        )
        for number, row in enumerate(rows)
    )


def test_fakes_of_a_generator_are_left_out_and_those_of_unknown_people_measured_on(rows: Sequence[Row]) -> None:
    manifest = Manifest(made_by(rows), "f" * 64)

    kept, fakes = without(manifest, LeftOut("generator", "g0"))

    assert {row.generator for row in kept.rows if row.label} == {"g1"}
    assert sum(not row.label for row in kept.rows) == 10  # every real picture stays
    assert {row.split for row in fakes} == {"val"}  # the groups of others are trained on, by their real pictures
    assert {row.generator for row in fakes} == {"g0"}
    all_known = Manifest(
        tuple(replace(row, group="one") if row.generator == "g0" or row.split == "train" else row for row in manifest.rows), ""
    )
    assert len(without_generator(all_known, "g0")[1]) == 5  # then all are measured on

    scores = np.linspace(0.1, 0.9, len(fakes))
    beside = kept.of_split("val")
    found = left_out_figures(LeftOut("generator", "g0"), fakes, scores, beside, np.full(len(beside), 0.5), (0.5, 0.3))
    assert (found["generator"], found["fake"]) == ("g0", len(fakes))
    assert "auc" in found
    assert left_out_line(found).startswith("left out the fakes of g0 (0 real,")


def test_a_generator_that_is_absent_or_the_only_one_cannot_be_left_out(rows: Sequence[Row]) -> None:
    with pytest.raises(ManifestError, match="no fakes of a generator 'absent' to leave out; it has those of g0, g1"):
        without_generator(Manifest(made_by(rows), ""), "absent")
    with pytest.raises(ManifestError, match="no fake images in split 'train'"):
        without_generator(Manifest(tuple(replace(row, generator="g0" * row.label) for row in rows), ""), "g0")
