from pathlib import Path

import pytest
from celery import Celery
from files.wake_ups import received

from scanner.base.settings import Settings
from scanner.jobs.queue import make_app


@pytest.fixture(params=["embedded", "redis"])
def app(request: pytest.FixtureRequest, tmp_path: Path) -> Celery:
    """The application on either broker, with an empty queue."""
    url = "" if request.param == "embedded" else request.getfixturevalue("redis_url")
    made = make_app(Settings(tmp_path, broker_url=url))
    received(made)
    return made


@pytest.fixture
def embedded(tmp_path: Path) -> Celery:
    return make_app(Settings(tmp_path))


@pytest.fixture
def messages(tmp_path: Path) -> Path:
    """Where the embedded broker keeps its messages."""
    return tmp_path / "queue" / "messages"
