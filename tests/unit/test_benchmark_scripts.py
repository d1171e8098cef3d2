"""What a benchmark takes from the product is there and fits it: nothing else runs those scripts between two measurements."""

import ast
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from benchmarks import stage_times
from benchmarks.backlog import found_in
from benchmarks.trees import fill

from scanner.base.settings import Settings
from scanner.database.engine import open_database
from scanner.reports.report import opened_report
from scanner.review.criteria import Criteria
from scanner.review.review_queue import queue_page
from worker.decoding.inputs import Ready
from worker.detector.faces.face import Input

FOLDER = Path(__file__).parents[1] / "benchmarks"
PRODUCT = ("scanner", "worker", "training", "gui")


def taken_by(script: Path) -> list[tuple[str, str]]:
    """Module and name of all that a script imports from the product, wherever it does."""
    return [
        (node.module, alias.name)
        for node in ast.walk(ast.parse(script.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module and not node.level and node.module.split(".")[0] in PRODUCT
        for alias in node.names
    ]


@pytest.mark.parametrize("script", sorted(FOLDER.rglob("*.py")), ids=lambda script: script.stem)
def test_what_a_benchmark_takes_from_the_product_is_there(script: Path) -> None:
    for module, name in taken_by(script):
        if module.startswith("gui"):
            continue  # needs a display
        assert hasattr(import_module(module), name), f"{module}.{name}"


def test_the_rows_of_a_benchmark_are_ones_that_the_product_reads(tmp_path: Path, current_sqlite: Callable[[Path], str]) -> None:
    """They are put in by SQL, which no migration follows."""
    database = open_database(current_sqlite(tmp_path / "filled.sqlite"))

    fill(database, 40, recent=10)

    assert len(queue_page(database, Criteria(), after=None, limit=100)) == 10 + 3
    with opened_report(database, since=datetime.now(UTC) - timedelta(days=1)) as (_, items):
        assert {(item.label, item.prediction and item.prediction.basis) for item in items} == {("fake", "faces")}
    database.close()


@pytest.mark.parametrize(("batch_size", "pictures", "batches", "taken"), [(4, 10, 2, 4), (16, 3, 1, 3)])
def test_stages_are_recorded_of_full_batches_alone(
    tmp_path: Path,
    current_sqlite: Callable[[Path], str],
    monkeypatch: pytest.MonkeyPatch,
    batch_size: int,
    pictures: int,
    batches: int,
    taken: int,
) -> None:
    """What a smaller one takes is no time of a whole batch."""
    (tmp_path / "pictures").mkdir()
    for number in range(pictures):
        (tmp_path / "pictures" / f"{number}.jpg").write_bytes(b"\xff\xd8\xff" + bytes([number]))
    seen: list[int] = []

    def scores(images_BHWC: np.ndarray) -> np.ndarray:
        seen.append(len(images_BHWC))
        return np.zeros(len(images_BHWC))

    def begin(_content: bytes, size: int) -> "Future[Ready]":
        decoded: Future[Ready] = Future()
        decoded.set_result(Ready((Input(np.zeros((size, size, 3), np.uint8), (0, 0, size, size)),), "JPEG", size, size))
        return decoded

    card = SimpleNamespace(recipe=SimpleNamespace(preprocessing=SimpleNamespace(size=8)))
    scorer = SimpleNamespace(device=SimpleNamespace(name="cpu"), card=card, scores=scores)
    pool = SimpleNamespace(begin=begin, warm_up=lambda: None)
    monkeypatch.setattr(stage_times, "loaded_scorer", lambda _settings: scorer)
    monkeypatch.setattr(stage_times, "DecoderPool", lambda *_: nullcontext(pool))
    database = open_database(current_sqlite(tmp_path / "recorded.sqlite"))

    found = stage_times.record_stages(database, found_in(tmp_path / "pictures"), Settings(tmp_path, batch_size=batch_size))

    assert seen == [taken] * batches
    assert found.batch == taken
    database.close()
