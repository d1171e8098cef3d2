"""Cards that people write for networks of others."""

import json
from pathlib import Path

import pytest
from files.onnx_networks import written_card

from worker.detector.checkpoints.card import CheckpointError
from worker.detector.image.preprocess import Resize
from worker.detector.imported.card_file import WrittenCard, read_card_file

WHOLE = """
licence = "Apache-2.0"
source = "someone/some-model"
crop = "face"
margin = 1.3

[input]
size = 64
mean = [0.5, 0.4, 0.3]
std = [0.2, 0.2, 0.2]
pixel_range = "0..1"
layout = "NHWC"
channels = "BGR"

[resize]
rule = "shorter-side"
shorter = 80
filter = "bilinear"

[output]
kind = "softmax"
labels = ["Real", "Deepfake"]
fake = "Deepfake"

[score]
threshold = 0.7
band_low = 0.4
slope = 0.5
offset = -1
"""


def read(path: Path) -> WrittenCard:
    return read_card_file(path, name="theirs", created_at="2026-11-26T10:00:00+00:00")


def test_all_that_a_card_says(tmp_path: Path) -> None:
    (tmp_path / "card.toml").write_text(WHOLE, encoding="utf-8")
    card = read(tmp_path / "card.toml").card

    assert card.imported is not None
    network = card.imported
    assert (network.index, network.kind, network.layout, network.channels) == (1, "softmax", "NHWC", "BGR")
    assert card.recipe.preprocessing.size == 64
    assert card.face_inputs.framings == ((1.3, False),)
    assert card.face_inputs.resize == Resize("shorter-side", 80, "down", "bilinear")
    assert card.face_inputs.looked_for
    assert not card.whole_images
    assert (card.threshold, card.band_low, card.calibration.slope) == (0.7, 0.4, 0.5)
    assert card.training["imported"]["labels"] == ["Real", "Deepfake"]


def test_a_card_of_whole_pictures_looks_for_no_faces(tmp_path: Path) -> None:
    card = read(written_card(tmp_path / "card.toml")).card
    assert card.whole_images
    assert not card.face_inputs.looked_for


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (['kind = "softmax"'], "TOML"),
        (["index = -1"], "index must lie from 0"),
        (['fake = "fake"'], "labels are not given"),
        (['labels = ["a", "b"]'], "which class is fake"),
        (['labels = ["a", "b"]', "index = 2"], "there are 2 labels"),
        (['labels = ["fake", "real"]', "index = 1"], "swapped"),
        (['labels = ["0_real", "1_AI-generated"]', "index = 0"], "swapped"),
        (['labels = ["fake", "real"]', 'fake = "fake"', "index = 1"], "label 0, but index is 1"),
        (['unknown = "key"'], "unknown"),
        (["[input.sizes]", "x = 1"], "card"),
        (["[resize]", 'rule = "crop"'], "'crop' is none of centre-square"),
        (["[resize]", "shorter = 40"], "shorter goes with"),
        (["[head]", "weights = [1.0]"], "a head goes with"),
        (["[score]", "threshold = 0.3", "band_low = 0.6"], "band_low"),
        (["[score]", "threshold = nan"], "no finite number"),
        (["[score]", "threshold = 1.5"], "threshold is a score"),
        (["[score]", "threshold = 0"], "threshold is a score"),
        (["[score]", "slope = -1.0"], 'of = "real" under'),
        (["[score]", "slope = 0.0"], "slope must be above 0"),
        (["[resize]", 'rule = "shorter-side"', "shorter = 16"], "no centre of 32 pixels"),
        (['labels = ["real"]'], "swapped"),
        (['of = "neither"'], "'neither' is none of fake, real"),
        (["[check]", 'fake = ["not-there.png"]'], "does not exist"),
    ],
)
def test_a_card_that_cannot_be(tmp_path: Path, lines: list[str], said: str) -> None:
    path = written_card(tmp_path / "card.toml", *lines)
    with pytest.raises(CheckpointError, match=said) as refused:
        read(path)
    assert str(path) in str(refused.value)


@pytest.mark.parametrize(
    ("key", "value"),
    [("size", "5000"), ("size", '"64"'), ("std", "[0, 0, 0]"), ("std", "[1e-300, 1, 1]"), ("mean", "0.5"), ("mean", "[0.5]")],
)
def test_an_input_that_cannot_be(tmp_path: Path, key: str, value: str) -> None:
    text = written_card(tmp_path / "card.toml").read_text(encoding="utf-8")
    changed = text.replace("size = 32", f"{key} = {value}" if key == "size" else f"size = 32\n{key} = {value}")
    (tmp_path / "card.toml").write_text(changed, encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"card\.toml"):
        read(tmp_path / "card.toml")


def test_labels_of_a_hugging_face_config(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"id2label": {"0": "Fake", "1": "Real"}}), encoding="utf-8")
    card = read(written_card(tmp_path / "card.toml", 'id2label = "config.json"', 'fake = "Fake"', kind="softmax")).card
    assert card.imported is not None
    assert card.imported.index == 0

    (tmp_path / "config.json").write_text(json.dumps({"id2label": ["Fake", "Real"]}), encoding="utf-8")
    with pytest.raises(CheckpointError, match="id2label"):
        read(tmp_path / "card.toml")


def test_a_value_that_is_of_real(tmp_path: Path) -> None:
    card = read(written_card(tmp_path / "card.toml", 'of = "real"', 'labels = ["real"]', kind="probability")).card
    assert card.imported is not None
    assert card.imported.inverted

    with pytest.raises(CheckpointError, match="say which class is fake"):
        read(written_card(tmp_path / "card.toml", 'of = "real"', "index = 1", kind="softmax"))


def test_a_head_beside_the_card(tmp_path: Path) -> None:
    (tmp_path / "head.json").write_text(json.dumps({"weights": [1, -2.5], "bias": 0.5, "note": "more"}), encoding="utf-8")
    path = written_card(tmp_path / "card.toml", "[head]", 'file = "head.json"', "normalised = true", kind="embedding")
    card = read(path).card
    assert card.imported is not None
    assert card.imported.head is not None
    assert (card.imported.head.weights, card.imported.head.bias, card.imported.head.normalised) == ((1.0, -2.5), 0.5, True)

    for broken in ("[]", '{"weights": "x"}', '{"weights": [0, 0]}', "{", '{"weights": [1e999]}'):
        (tmp_path / "head.json").write_text(broken, encoding="utf-8")
        with pytest.raises(CheckpointError, match=r"card\.toml"):
            read(path)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"licence = ", b"\x00" * 2_000_000, b""])
def test_what_is_no_card(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "card.toml").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"card\.toml"):
        read(tmp_path / "card.toml")
    with pytest.raises(CheckpointError, match=r"other\.toml"):
        read(tmp_path / "other.toml")
