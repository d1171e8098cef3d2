"""Networks of others on their way into the data folder: kept whole, or refused with the reason and nothing kept."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import onnx
import pytest
from files.onnx_networks import BLUE, RED, colour_network, written_card, written_network
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from worker.detector.checkpoints.card import CheckpointError, file_sha256, read_card
from worker.detector.checkpoints.card_text import card_text
from worker.detector.checkpoints.checkpoint import load_checkpoint, save_with_card
from worker.detector.imported.importing import import_onnx
from worker.detector.imported.loading import load_network
from worker.detector.imported.network import TENSOR, load_imported
from worker.detector.inference.device import ChosenDevice
from worker.detector.inference.registry import choose_checkpoint
from worker.detector.inference.runtimes import RuntimeUnavailable
from worker.detector.weights.public_weights import BackboneFiles

NOW = datetime(2026, 11, 26, 10, tzinfo=UTC)
NONE = BackboneFiles()
Import = Callable[..., Path]


@pytest.fixture(name="imported")
def _imported(tmp_path: Path) -> Import:
    """Imports a network with a card of these lines; returns its checkpoint."""

    def take_in(model: onnx.ModelProto | None, *lines: str, sha256: str | None = None, **card: object) -> Path:
        source = written_network(tmp_path / "network.onnx", model)
        written = written_card(tmp_path / "card.toml", *lines, **card)  # type: ignore[arg-type]
        return import_onnx(source, written, tmp_path / "data", name="colours", sha256=sha256, now=NOW).path

    return take_in


def of_type(kind: int) -> onnx.ModelProto:
    """A network that takes values of another type."""
    model = colour_network()
    model.graph.input[0].type.tensor_type.elem_type = kind
    model.graph.node[0].input[0] = "floats"
    model.graph.node.insert(0, helper.make_node("Cast", ["pictures"], ["floats"], to=TensorProto.FLOAT))
    return model


def nothing_kept(tmp_path: Path) -> bool:
    return not list((tmp_path / "data" / "models").glob("*")) if (tmp_path / "data" / "models").exists() else True


def test_an_imported_network_is_a_checkpoint_like_any(imported: Import, tmp_path: Path) -> None:
    path = imported(colour_network())
    card = read_card(path)
    text = card_text(card, path, file_sha256(path))

    assert choose_checkpoint("colours", tmp_path / "data", NONE).path == path
    assert file_sha256(tmp_path / "network.onnx") in text
    assert "a test" in text
    red = np.full((1, 32, 32, 3), (255, 0, 0), np.uint8)
    assert load_network(path, "cpu", files=NONE, micro_batch=4).logits(red) == pytest.approx([8.0], abs=1e-5)
    # The same network with another card, as `calibrate` writes it.
    save_with_card(path, tmp_path / "other.safetensors", card)
    assert load_network(tmp_path / "other.safetensors", "auto", files=NONE, micro_batch=4).logits(red) == pytest.approx([8.0])
    with pytest.raises(CheckpointError, match="imported network"):
        load_checkpoint(path, NONE)
    with pytest.raises(RuntimeUnavailable, match="CPU only"):
        load_imported(path, ChosenDevice("cuda:0", "a GPU"), requested="cuda", micro_batch=4)


def test_a_changed_file_is_not_run(imported: Import) -> None:
    path = imported(colour_network())
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="damaged"):
        load_network(path, "cpu", files=NONE, micro_batch=4)


def test_known_pictures_tell_which_class_is_fake(imported: Import, tmp_path: Path) -> None:
    for name, colour in (("red", (200, 40, 30)), ("blue", (20, 40, 210))):
        Image.new("RGB", (50, 40), colour).save(tmp_path / f"{name}.png")
    check = ["[check]", 'fake = ["red.png"]', 'real = ["blue.png"]']

    assert imported(colour_network((RED,)), *check).is_file()
    (tmp_path / "data" / "models" / "colours.safetensors").unlink()
    with pytest.raises(CheckpointError, match="swapped"):
        imported(colour_network((BLUE,)), *check)
    assert nothing_kept(tmp_path)


@pytest.mark.parametrize(
    ("model", "lines", "card", "said"),
    [
        (colour_network(), ["index = 1"], {}, "1 is of fake"),
        (colour_network((BLUE, RED)), ['labels = ["real", "fake", "other"]', 'fake = "fake"'], {}, "3 labels"),
        (colour_network(), [], {"size": 64}, "mend size"),
        (colour_network(side="S"), ['name = "logits"'], {}, "no output 'logits'"),
        (colour_network(layout="NHWC"), [], {}, "mend size or layout"),
        (colour_network((BLUE, RED)), [], {"kind": "probability"}, "no probability"),
        (colour_network((BLUE, RED), ends="Softmax"), ["index = 1"], {"kind": "softmax"}, "probabilities already"),
        (colour_network(), ["index = 0"], {"kind": "softmax"}, "no softmax"),
        (colour_network(), ["[head]", "weights = [1.0, 2.0]"], {"kind": "embedding"}, "2 weights"),
        (colour_network(((float("nan"), 0, 0),)), [], {}, "NaN"),
        (colour_network(((float("inf"), 0, 0),)), [], {}, "gives no number"),
        (colour_network(pictures=4), [], {}, "takes 4 pictures at once"),
        (of_type(TensorProto.UINT8), [], {}, "type uint8"),
        (of_type(TensorProto.DOUBLE), [], {}, "type double"),
        (colour_network(((8.0, 0.0, 0.0),)), [], {"kind": "probability"}, r"answers [1-9][0-9.]*, which is no probability"),
    ],
)
def test_a_card_that_does_not_fit_its_network(
    imported: Import, tmp_path: Path, model: onnx.ModelProto, lines: list[str], card: dict[str, object], said: str
) -> None:
    with pytest.raises(CheckpointError, match=said):
        imported(model, *lines, **card)
    assert nothing_kept(tmp_path)


def test_a_file_cut_off_another_file_and_a_wrong_checksum(imported: Import, tmp_path: Path) -> None:
    whole = colour_network().SerializeToString()
    card = written_card(tmp_path / "card.toml")
    for content in (whole[: len(whole) // 2], whole[:-1], b"", b"\x89PNG\r\n\x1a\n" + bytes(100), b"no network"):
        (tmp_path / "cut.onnx").write_bytes(content)
        with pytest.raises(CheckpointError, match="fetch it again"):
            import_onnx(tmp_path / "cut.onnx", card, tmp_path / "data", name="cut", sha256=None, now=NOW)
    with pytest.raises(CheckpointError, match="does not exist"):
        import_onnx(tmp_path / "absent.onnx", card, tmp_path / "data", name="cut", sha256=None, now=NOW)
    with pytest.raises(CheckpointError, match="sha256"):
        imported(colour_network(), sha256="0" * 64)
    assert nothing_kept(tmp_path)


def test_a_file_of_three_gigabytes_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "large.onnx").open("wb") as file:
        file.truncate(3 << 30)  # takes no room on the disk
    with pytest.raises(CheckpointError, match=r"3\.2 GB"):
        import_onnx(tmp_path / "large.onnx", written_card(tmp_path / "c.toml"), tmp_path / "data", name="a", sha256=None, now=NOW)


def external(location: str) -> onnx.ModelProto:
    model = colour_network()
    onnx.external_data_helper.set_external_data(model.graph.initializer[0], location)
    model.graph.initializer[0].ClearField("raw_data")
    return model


@pytest.mark.parametrize("location", ["/etc/passwd", "../secret.bin", "a/../../secret.bin", "..\\secret.bin", "link.bin"])
def test_weights_outside_of_its_folder_are_not_read(imported: Import, tmp_path: Path, location: str) -> None:
    (tmp_path.parent / "secret.bin").write_bytes(np.asarray([RED], np.float32).T.tobytes())
    (tmp_path / "a").mkdir()
    (tmp_path / "link.bin").symlink_to(tmp_path.parent / "secret.bin")
    with pytest.raises(CheckpointError, match="outside of its folder"):
        imported(external(location))
    assert nothing_kept(tmp_path)


def test_weights_beside_it_are_taken_in(imported: Import, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="bring both"):
        imported(external("weights.bin"))
    (tmp_path / "weights.bin").write_bytes(np.asarray([RED], np.float32).T.tobytes())
    path = imported(external("weights.bin"))
    (tmp_path / "weights.bin").unlink()

    red = np.full((1, 32, 32, 3), (255, 0, 0), np.uint8)
    assert load_network(path, "cpu", files=NONE, micro_batch=4).logits(red) == pytest.approx([8.0], abs=1e-5)


def test_custom_operators_are_refused_wherever_they_stand(imported: Import, tmp_path: Path) -> None:
    plain = colour_network()
    plain.graph.node.append(helper.make_node("RunThis", ["answers"], ["more"], domain="com.evil"))
    plain.opset_import.append(helper.make_opsetid("com.evil", 1))
    with pytest.raises(CheckpointError, match=r"com\.evil\.RunThis"):
        imported(plain)

    inside = colour_network()
    branch = helper.make_graph(
        [helper.make_node("RunThis", ["answers"], ["kept"], domain="com.evil")],
        "branch",
        [],
        [helper.make_tensor_value_info("kept", onnx.TensorProto.FLOAT, ["B", 1])],
    )
    yes = numpy_helper.from_array(np.asarray(True), "yes")
    inside.graph.initializer.append(yes)
    inside.graph.node.append(helper.make_node("If", ["yes"], ["more"], then_branch=branch, else_branch=branch))
    with pytest.raises(CheckpointError, match=r"com\.evil\.RunThis"):
        imported(inside)
    assert nothing_kept(tmp_path)


def test_a_network_that_takes_all_memory_is_ended(imported: Import, tmp_path: Path) -> None:
    model = colour_network()
    side = 200_000
    model.graph.initializer.append(numpy_helper.from_array(np.asarray([side, side], np.int64), "huge"))
    zero = numpy_helper.from_array(np.zeros(1, np.float32))
    model.graph.node.append(helper.make_node("ConstantOfShape", ["huge"], ["filled"], value=zero))
    model.graph.node.append(helper.make_node("ReduceSum", ["filled"], ["total"], keepdims=0))
    model.graph.node.append(helper.make_node("Add", ["answers", "total"], ["sum"]))
    model.graph.output[0].name = "sum"
    with pytest.raises(CheckpointError, match=r"memory|cannot run it|crashed"):
        imported(model)
    assert nothing_kept(tmp_path)


def test_two_inputs_or_an_odd_name(imported: Import, tmp_path: Path) -> None:
    model = colour_network()
    model.graph.input.append(helper.make_tensor_value_info("text", onnx.TensorProto.FLOAT, ["B", 4]))
    with pytest.raises(CheckpointError, match="takes 2 inputs"):
        imported(model)
    with pytest.raises(CheckpointError, match="cannot be a checkpoint's name"):
        import_onnx(
            written_network(tmp_path / "n.onnx"), tmp_path / "card.toml", tmp_path / "data", name="../up", sha256=None, now=NOW
        )
    assert TENSOR == "onnx"
