"""The sieve's training on a tiny set: scenes that hold what they say, a loss that falls, a file that runs at any size."""

import random
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from PIL import Image

from training.data.manifest import Row
from training.sieve.export import write_onnx
from training.sieve.fit import Plan, fit
from training.sieve.known_faces import Known, is_held_back, known
from training.sieve.loss import loss_of
from training.sieve.network import STRIDES, Sieve
from training.sieve.scenes import mirrored, scene
from worker.detector.faces import sieve as product
from worker.detector.faces.face_finder import FaceFinder
from worker.detector.faces.networks import Network

SAMPLES = Path(__file__).parents[4] / "samples"


@pytest.fixture(scope="module", name="astronaut")
def _astronaut() -> Known:
    return known(SAMPLES / "real-astronaut.jpg", FaceFinder(sieved=False))


def plain(*boxes: tuple[float, float, float, float]) -> Known:
    """A green picture with red boxes that are said to be faces."""
    image_HWC = np.full((120, 120, 3), (0, 200, 0), np.uint8)
    for left, top, width, height in boxes:
        image_HWC[int(top) : int(top + height), int(left) : int(left + width)] = (255, 0, 0)
    return Known(image_HWC, np.asarray(boxes, np.float32).reshape(-1, 4))


def test_the_faces_of_a_picture_are_known(astronaut: Known) -> None:
    [box] = astronaut.boxes_N4.tolist()
    height, width, _ = astronaut.image_HWC.shape
    assert max(height, width) == 384
    assert 0.1 < max(box[2:]) / width < 0.3


def test_scenes_are_the_same_for_the_same_seed_and_hold_their_faces() -> None:
    rng = [random.Random(5) for _ in range(2)]
    crops, pictures = [plain((10, 10, 100, 100))], [plain(), plain((40, 40, 30, 30))]
    some = [scene(rng[0], crops, pictures) for _ in range(12)]
    again = [scene(rng[1], crops, pictures) for _ in range(12)]
    for one, other in zip(some, again, strict=True):
        assert (one.image_HWC == other.image_HWC).all()
        assert (one.boxes_N4 == other.boxes_N4).all()
    boxes = np.concatenate([one.boxes_N4 for one in some])
    assert len(boxes) > 8
    assert 4 < boxes[:, 2:].max(axis=1).min() < boxes[:, 2:].max() < 64


def test_mirrored_boxes_lie_on_the_same_pixels() -> None:
    known = plain((10, 20, 30, 40))
    [left, top, width, height] = mirrored(known).boxes_N4[0].astype(int)
    assert (mirrored(known).image_HWC[top : top + height, left : left + width] == (255, 0, 0)).all()
    assert (left, top) == (80, 20)


def test_saying_where_faces_are_costs_less_than_saying_it_elsewhere() -> None:
    boxes = [np.asarray([(60, 60, 16, 16)], np.float32)]
    right, wrong = (
        (torch.full((1, 16, 16), -4.0), torch.full((1, 8, 8), -4.0)),
        (
            torch.full((1, 16, 16), -4.0),
            torch.full((1, 8, 8), -4.0),
        ),
    )
    right[0][0, 8, 8] = wrong[0][0, 2, 2] = 4.0
    assert loss_of(right, boxes, STRIDES) < 0.2 * loss_of(wrong, boxes, STRIDES)


def test_a_larger_face_is_the_other_outputs_affair() -> None:
    boxes = [np.asarray([(40, 40, 50, 50)], np.float32)]
    silent, said = torch.full((1, 16, 16), -4.0), torch.full((1, 8, 8), -4.0)
    without = loss_of((silent, said), boxes, STRIDES)
    said[0, 4, 4] = 4.0
    assert loss_of((silent, said), boxes, STRIDES) < 0.2 * without


def test_groups_are_held_back_whole() -> None:
    rows = [Row(Path(f"{number}.jpg"), 0, "s", "f", "g", f"group {number // 3}", "train") for number in range(600)]
    held = [is_held_back(row) for row in rows]
    assert all(held[at] == held[at + 1] == held[at + 2] for at in range(0, 600, 3))
    assert 0.05 < np.mean(held) < 0.25


def test_what_is_fitted_is_written_and_runs_at_any_size(tmp_path: Path, astronaut: Known) -> None:
    with Image.open(SAMPLES / "real-coffee.jpg") as cup:
        ground = Known(np.asarray(cup.convert("RGB").resize((300, 300))), np.zeros((0, 4), np.float32))
    out = tmp_path / "sieve.onnx"
    torch.set_num_threads(1)
    sieve = fit([astronaut], [ground], Plan(steps=3, batch=2, loaders=0))
    write_onnx(sieve, out)
    assert out.stat().st_size < 500_000
    network = Network(out.read_bytes(), product.MIDDLE)
    for height, width in ((96, 160), (64, 64)):
        picture_HWC = np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)
        smaller, larger = network.run([picture_HWC])
        assert smaller.shape == (1, height // 8, width // 8)
        assert larger.shape == (1, height // 16, width // 16)
        sieve.eval()
        with torch.inference_mode():
            expected = sieve(torch.from_numpy(picture_HWC.copy()).permute(2, 0, 1)[None].float())
        assert np.allclose(smaller, torch.sigmoid(expected[0]).numpy(), atol=1e-4)
        assert np.allclose(larger, torch.sigmoid(expected[1]).numpy(), atol=1e-4)


def test_the_file_that_scanning_uses_is_of_this_network() -> None:
    stored = onnx.load(product._NETWORK)
    sizes = sorted(tuple(tensor.dims) for tensor in stored.graph.initializer if len(tensor.dims) == 4)
    assert sizes == sorted(tuple(values.shape) for values in Sieve().state_dict().values() if values.ndim == 4)
