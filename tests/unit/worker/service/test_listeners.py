"""Listeners that another package brings: found without a change of the program, and never its trouble."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from scanner.base.settings import Settings
from scanner.domain.claims import Claimed
from scanner.domain.recorded import Recorded
from scanner.domain.states import Label, State
from worker.service.listeners import all_listeners

PACKAGE = """
from contextlib import contextmanager

told = []

@contextmanager
def listens(settings):
    told.append(settings.model)
    yield told.extend
    told.append("closed")

@contextmanager
def raises(settings):
    def listener(recorded):
        if recorded[0].label == "fake":
            raise RuntimeError("no one is there")
    yield listener
    raise RuntimeError("cannot even be closed")

def does_not_begin(settings):
    raise RuntimeError("cannot begin")
"""
FAKE = Recorded(Claimed(1, "/a.jpg", 1, 1), State.SCORED, "lite", "ab" * 32, Label.FAKE, 0.9)
REAL = Recorded(Claimed(2, "/b.jpg", 1, 1), State.SCORED, "lite", "cd" * 32, Label.REAL, 0.1)


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """`install(name, ...)`: a package that brings these listeners, as pip would leave it; returns its module's name."""

    def call(*names: str) -> str:
        module = f"hook_{tmp_path.name}"
        (tmp_path / f"{module}.py").write_text(PACKAGE)
        metadata = tmp_path / f"{module}-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
        lines = "".join(f"{name} = {module}:{name}\n" for name in names)
        (metadata / "entry_points.txt").write_text(f"[dfscan.listeners]\n{lines}")
        monkeypatch.syspath_prepend(tmp_path)
        return module

    return call


def test_a_package_is_told_what_was_recorded(install: Callable[..., str], tmp_path: Path) -> None:
    module = __import__(install("listens"))
    with all_listeners(Settings(tmp_path, model="mine")) as tell:
        tell([FAKE, REAL])
        assert module.told == ["mine", FAKE, REAL]
    assert module.told[-1] == "closed"


def test_failing_listener_stops_no_other(install: Callable[..., str], tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    module = __import__(install("raises", "does_not_begin", "no_such_name", "listens"))
    with all_listeners(Settings(tmp_path)) as tell:
        for recorded in (FAKE, FAKE, REAL, FAKE):
            tell([recorded])
    assert [each for each in module.told if isinstance(each, Recorded)] == [FAKE, FAKE, REAL, FAKE]
    said = [record.getMessage().removesuffix(" (said once, until it works again)") for record in caplog.records]
    of_raises = [line for line in said if line.startswith("the listener raises")]
    fails = "the listener raises fails: RuntimeError: no one is there"
    assert of_raises == [fails, "the listener raises works again", fails]
    assert "the listener does_not_begin fails: RuntimeError: cannot begin" in said
    assert any(line.startswith("the listener no_such_name fails: AttributeError") for line in said)
