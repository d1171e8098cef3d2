"""Every format that docs/formats.md says is read gets the verdict that the same picture gets as PNG."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from files.pictures import FORMATS, Written, unread_files, written
from PIL import Image

from scanner.domain.outcomes import ActiveModel
from scanner.media.formats import IMAGE_SUFFIXES
from worker.decoding.decoder_pool import DecoderPool
from worker.decoding.inputs import Ready
from worker.decoding.limits import Limits
from worker.detector.image.picture import PictureError
from worker.detector.image.preprocess import to_square
from worker.detector.inference.device import choose_device
from worker.detector.inference.predictor import Predictor, load_predictor
from worker.detector.inference.registry import find_checkpoint
from worker.detector.weights.public_weights import BackboneFiles
from worker.pipeline.aggregation import judge

HERE = Path(__file__).resolve().parents[2]
TOLERANCE = 0.02
MODEL = ActiveModel(0, "lite", 0.9, 0.6)
# Grey levels, mean over all pixels: more than that is no coding but another picture.
LOSSY = 12


@pytest.fixture(scope="module")
def picture() -> Image.Image:
    """A photograph."""
    with Image.open(HERE / "samples" / "real-coffee.jpg") as sample:
        return sample.convert("RGB").resize((660, 440), Image.Resampling.BICUBIC)


@pytest.fixture(scope="module")
def predictor(tmp_path_factory: pytest.TempPathFactory, picture: Image.Image) -> Predictor:
    """The bundled model, calibrated so that it is not sure of the picture: there what changes it shows most in the score."""
    torch.set_num_threads(1)
    path = find_checkpoint("lite", tmp_path_factory.mktemp("data"))
    bundled = load_predictor(path, choose_device("cpu"), files=BackboneFiles(), micro_batch=16)
    seen = to_square(picture, bundled.card.recipe.preprocessing.size)
    logit = float(bundled.logits(np.stack([seen]))[0])
    calibration = replace(bundled.card.calibration, offset=-bundled.card.calibration.slope * logit)
    return Predictor(bundled.detector, replace(bundled.card, calibration=calibration), bundled.device, 16)


@pytest.fixture(scope="module")
def pool() -> Iterator[DecoderPool]:
    with DecoderPool(2, Limits(pixels=50_000_000, seconds=120, megabytes=3072)) as decoders:
        yield decoders


@dataclass(frozen=True)
class Judged:
    """A content as it comes from its decoder, and its score."""

    ready: Ready
    score: float


def judged(pool: DecoderPool, predictor: Predictor, contents: Sequence[bytes]) -> list[Judged]:
    """All at once: the decoders work side by side, and the network looks at one batch."""
    size = predictor.card.recipe.preprocessing.size
    outcomes = [future.result() for future in [pool.begin(content, size) for content in contents]]
    ready = [outcome for outcome in outcomes if isinstance(outcome, Ready)]
    assert len(ready) == len(contents), outcomes
    verdicts = judge(predictor, MODEL, ready)
    return [Judged(one, found.score) for one, found in zip(ready, verdicts, strict=True) if not isinstance(found, str)]


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_scores_like_png(pool: DecoderPool, predictor: Predictor, picture: Image.Image, name: str) -> None:
    """A file of each format gets the verdict of the same picture as png."""
    files = list(FORMATS[name](picture))
    shown = {id(one): one for file in files for one in file.shown}
    found = judged(pool, predictor, [*(file.content for file in files), *(written(one, "PNG") for one in shown.values())])
    as_png = dict(zip(shown, found[len(files) :], strict=True))
    for file, got in zip(files, found, strict=False):
        pngs = [as_png[id(one)] for one in file.shown]
        expected = max(png.score for png in pngs)
        assert len(got.ready.inputs) == len(pngs), file.name
        assert len({item.frame for item in got.ready.inputs}) == len(pngs), file.name
        assert 0.05 < expected < 0.95, "a score at the end of the scale would show no difference"
        if file.lossy:
            print(f"{file.name}: {got.score:.4f}, as PNG {expected:.4f}, drift {got.score - expected:+.4f}")
            pairs = zip(got.ready.inputs, (png.ready.inputs[0] for png in pngs), strict=True)
            assert max(np.abs(one.image_HWC.astype(int) - other.image_HWC).mean() for one, other in pairs) < LOSSY, file.name
        else:
            assert got.score == pytest.approx(expected, abs=TOLERANCE), file.name


def test_what_is_said_not_to_be_read_is_not_read(pool: DecoderPool, predictor: Predictor, picture: Image.Image) -> None:
    for name, content in unread_files(picture).items():
        outcome = pool.begin(content, predictor.card.recipe.preprocessing.size).result()
        assert isinstance(outcome, PictureError), name


def test_the_docs_name_exactly_these_formats_and_files(picture: Image.Image) -> None:
    section = re.split(r"^##+ ", (HERE / "docs" / "formats.md").read_text("utf-8"), flags=re.MULTILINE)
    [formats] = [part for part in section if part.startswith("What is read")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in formats.splitlines() if line.startswith("| ")]
    read = {row[0]: set(re.findall(r"`(\.\w+)`", row[1])) for row in rows[1:] if row[0] != "not read"}
    made = {name: {Path(file.name).suffix for file in files(picture)} for name, files in FORMATS.items()}
    assert read.keys() == made.keys()
    assert set().union(*read.values()) == IMAGE_SUFFIXES
    for name, suffixes in made.items():
        assert suffixes <= read[name], name
    [unread] = [row[2] for row in rows if row[0] == "not read"]
    assert {part.strip() for part in unread.split(",")} == set(unread_files(picture))


def test_folder_of_all_formats(laptop, tmp_path: Path, picture: Image.Image) -> None:
    """A folder of all formats is scanned by one command."""
    folder = tmp_path / "formats"
    folder.mkdir()
    files: list[Written] = [next(make(picture)) for make in FORMATS.values()]
    for file in files:
        (folder / file.name).write_bytes(file.content)

    laptop.run("scan", folder, exit_status=(0, 1))

    report = laptop.report()
    assert {Path(item["path"]).name for item in report["items"]} == {file.name for file in files}
    assert {item["state"] for item in report["items"]} == {"scored"}
