"""Reports as `build_report` returns them, without a database."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from scanner.domain.prediction import Prediction
from scanner.reports.item import ReportItem
from scanner.reports.report import STATUSES, Report

SCANNED = datetime(2026, 11, 1, 12, 30, 15, 500, tzinfo=UTC)


@pytest.fixture
def item() -> Callable[..., ReportItem]:
    """`item(path, **changes)`: a scored fake."""

    def make(path: str, **changes: object) -> ReportItem:
        values = {
            "sha256": "ab" * 32,
            "state": "scored",
            "label": "fake",
            "score": 0.987654321,
            "threshold": 0.75,
            "model": "lite",
            "scanned_at": SCANNED,
            "review": None,
            "reviewer": None,
            "reviewed_at": None,
            "note": None,
            "prediction": Prediction(),
            "evidence": None,
            "error": None,
        }
        return ReportItem(path=path, **(values | changes))

    return make


@pytest.fixture
def failed(item: Callable[..., ReportItem]) -> Callable[..., ReportItem]:
    """`failed(path, error)`: a file with a reason instead of a verdict."""

    def make(path: str, error: str = "empty: the file has 0 bytes") -> ReportItem:
        return item(
            path, sha256=None, state="failed", label=None, score=None, threshold=None, model=None, prediction=None, error=error
        )

    return make


@pytest.fixture
def report_of() -> Callable[..., Report]:
    """`report_of(items..., left_out=)`: a report with their totals; `left_out` more were beyond its limit."""

    def make(*items: ReportItem, left_out: int = 0) -> Report:
        totals = {status: sum(item.status == status for item in items) for status in STATUSES}
        totals["fake"] += left_out
        files = len(items) + left_out
        return Report(None, None, "lite", {**totals, "files": files}, files, items)

    return make
