"""What every command must do: start light, speak JSON, say what is missing."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from scanner.base.access.private import private_folder

VERDICT = (0, 1)
HEAVY = ("torch", "PySide6", "celery", "numpy", "alembic", "watchdog", "dateparser", "psutil", "prometheus_client")


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["report"], ["report", "--since", "yesterday"], ["status"], ["verify", "migrations"], ["config", "show"]],
)
def test_starts_without_what_it_does_not_need(laptop, current_sqlite: Callable[[Path], str], arguments: list[str]) -> None:
    current_sqlite(private_folder(laptop.data_dir) / "dfscan.sqlite")  # to make one needs alembic once
    script = f"""
import sys
from scanner.cli.main import main
sys.argv = ["dfscan", *{arguments!r}]
try:
    main()
finally:
    print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", script], env=laptop.environment, capture_output=True, text=True, check=True)
    assert done.stderr.strip().splitlines()[-1] == "[]"


def test_a_missing_extra_is_one_line_that_says_which(laptop, tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("raise ModuleNotFoundError(\"No module named 'torch'\", name='torch')")
    # Nothing is exported yet: after that a worker needs no torch.
    laptop.environment |= {"PYTHONPATH": str(tmp_path), "DFSCAN_CACHE_DIR": str(tmp_path / "cache")}
    done = laptop.run("worker", exit_status=2)
    assert (
        done.stderr.strip().splitlines()[-1] == "dfscan: this needs torch, which is not installed: pip install 'dfscan[worker]'"
    )


def test_listings_speak_json(laptop) -> None:
    report = json.loads(laptop.run("report", "--json").stdout)
    assert set(report) == {"since", "until", "model", "totals", "items"}
    status = json.loads(laptop.run("status", "--json").stdout)
    assert {"files", "pending", "leased", "workers", "roots", "watch"} == set(status)
    models = json.loads(laptop.run("model", "list", "--json").stdout)
    assert "lite" in [model["name"] for model in models]
    card = json.loads(laptop.run("model", "show", "lite", "--json").stdout)
    assert card["recipe"]["name"] == "lite"
    assert 0 < card["band_low"] <= card["threshold"] < 1


def test_passwords_are_not_shown(laptop) -> None:
    laptop.environment["DFSCAN_BROKER_URL"] = "redis://user:secret@example.invalid:6379/0"
    shown = laptop.run("config", "show").stdout
    assert "secret" not in shown
    assert "redis://user:***@example.invalid" in shown


def test_bad_arguments_end_with_two_and_a_hint(laptop) -> None:
    assert "is no date" in laptop.run("report", "--since", "gestern abend", exit_status=2).stderr
    assert "does not exist" in laptop.run("report", "--status", "odd", exit_status=2).stderr
    assert "No such command" in laptop.run("sacn", exit_status=2).stderr


def test_report_writes_files(laptop, tmp_path: Path) -> None:
    for form in ("json", "csv", "html", "table"):
        laptop.run("report", "--format", form, "-o", tmp_path / f"report.{form}")
        assert (tmp_path / f"report.{form}").stat().st_size > 0
    done = laptop.run("report", "-o", tmp_path / "no" / "folder.txt", exit_status=2)
    assert "cannot be written" in done.stderr


def test_our_packages_are_ours_from_any_folder(tmp_path: Path) -> None:
    script = (
        "import scanner, worker, training, gui, migrations as m\nfor p in (scanner, worker, training, gui, m): print(p.__file__)"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    home = Path(__file__).resolve().parents[2]
    for path in done.stdout.split():
        assert Path(path).resolve().parents[1] == home


def test_the_embedded_queue_is_private(laptop, tmp_path: Path, make_picture) -> None:
    make_picture(tmp_path / "a.jpg")
    laptop.run("scan", tmp_path / "a.jpg", exit_status=VERDICT)
    assert (laptop.data_dir / "queue").stat().st_mode & 0o777 == 0o700
    assert laptop.data_dir.stat().st_mode & 0o077 == 0
