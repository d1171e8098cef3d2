"""The bundled checkpoint and its card in words."""

from worker.detector.checkpoints.card import file_sha256, read_card
from worker.detector.checkpoints.card_tables import figures_table
from worker.detector.checkpoints.card_text import card_text
from worker.detector.inference.registry import bundled_folder


def test_bundled_card_is_current() -> None:
    """The card beside the bundled checkpoint is what it says of itself."""
    path = bundled_folder() / "lite.safetensors"
    assert path.with_suffix(".md").read_text() == card_text(read_card(path), path, file_sha256(path)) + "\n"


def test_bundled_card_text() -> None:
    """The bundled card names its data figures and limits."""
    path = bundled_folder() / "lite.safetensors"
    card = read_card(path)
    text = card_text(card, path, "0" * 64)
    for source in ("dfdc", "openforensics", "ffhq_realorfake", "basemax_fakefaces", "sfhq_t2i"):
        assert source in card.training["sources"]
        assert source in card.metrics["sources"]
        assert sum(line.startswith(f"| {source} |") for line in text.splitlines()) >= 2
    assert "## Limits" in text
    assert 0 < card.band_low <= card.threshold < 1


def test_the_bundled_checkpoint_is_as_good_as_promised() -> None:
    """What its card says was measured on `val`; tests/e2e/test_accuracy.py measures a part of it anew."""
    metrics = read_card(bundled_folder() / "lite.safetensors").metrics
    assert metrics["sources"]["openforensics"]["auc"]["value"] >= 0.99
    assert metrics["sources"]["dfdc"]["auc"]["value"] >= 0.93
    assert metrics["pooled"]["false_alarm_rate"]["value"] <= 0.03
    assert metrics["cross_fitted"]["false_alarm_rate"] <= 0.03
    assert {"as it is", "JPEG 70"} <= {found["name"] for found in metrics["robustness"]["conditions"]}


def test_a_figure_that_does_not_apply_is_a_dash() -> None:
    both = {"auc": {"value": 0.5, "low": 0.4, "high": 0.6}, "real": 1, "fake": 1}
    table = figures_table({"pooled": both, "sources": {"x": {"real": 0, "fake": 1}}})
    assert "| all | 1 | 1 | 0.500 [0.400, 0.600] | - |" in table
    assert "| x | 0 | 1 | - |" in table
