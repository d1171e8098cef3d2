"""What Celery says of a broker that is away becomes one line when it goes, and one when it is back."""

import logging
from collections.abc import Iterator

import pytest

from scanner.base.trouble_log import TroubleLog
from worker.service.consumer import _Says

CELERYS = "celery.worker.consumer.consumer"


@pytest.fixture
def trouble() -> Iterator[TroubleLog]:
    made = TroubleLog(logging.getLogger("worker.service.consumer"), "the broker")
    says = _Says(made)
    logging.getLogger(CELERYS).addFilter(says)
    yield made
    logging.getLogger(CELERYS).removeFilter(says)


@pytest.mark.parametrize(
    ("line", "arguments", "word"),
    [
        (
            "consumer: Cannot connect to %s: %s.\n%s\n",
            ("redis://:**@a", OSError("refused"), "Trying again in 2 seconds"),
            "refused",
        ),
        ("%s (%r)", ("consumer: Connection to broker lost.", ValueError("x")), "DFSCAN_BROKER_URL"),
        ("Frequent restarts detected: %r", (RuntimeError("OOM command not allowed"),), "maxmemory"),
    ],
)
def test_one_line_when_it_goes_and_one_when_it_is_back(
    trouble: TroubleLog, caplog: pytest.LogCaptureFixture, line: str, arguments: tuple[object, ...], word: str
) -> None:
    logger = logging.getLogger(CELERYS)
    with caplog.at_level(logging.INFO):
        for _ in range(69):
            logger.error(line, *arguments)
        assert len(caplog.records) == 1
        assert word in caplog.text
        trouble.works()
        trouble.works()
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


def test_other_lines_stay(trouble: TroubleLog, caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger(CELERYS).warning("something else")
    assert "something else" in caplog.text
