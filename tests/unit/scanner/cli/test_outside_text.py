"""The command line prints text from outside by one function, so that no name, card or error steers a terminal."""

import logging
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import scanner
from scanner.base.escape import escaped
from scanner.base.logs import PlainLines, print_text, tell

# Sets the title, clears the screen, turns the direction of what follows, and is CSI in one byte.
STEERING = "\x1b]0;title\x07\x1b[2J\u202egpj.exe\x9b31m"
HARMLESS = r"\x1b]0;title\x07\x1b[2J\u202egpj.exe\x9b31m"
# What programs read, and what has escaped its parts and then coloured others.
OTHERS = ("json.dumps", "_document(", "nl=False", "lambda line: click.echo(line)", "click.style", "escaped(", 'f"{click')


def test_every_line_for_people_is_printed_by_one_function() -> None:
    root = Path(scanner.__file__).parent.parent
    for folder in ("scanner", "worker", "training"):
        for file in (root / folder).rglob("*.py"):
            if file.name == "logs.py":
                continue
            source = re.sub(r"\(\s+", "(", file.read_text("utf-8"))
            for line in source.splitlines():
                if "click.echo(" in line or re.search(r"(?<![\w.])print\(", line):
                    assert any(known in line for known in OTHERS), f"{file}: {line.strip()}"
                    assert " else " not in line, f"{file}: {line.strip()}"


def test_lines_for_people_steer_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_text(f"one {STEERING}\ntwo")
    tell(f"three {STEERING}")

    said = capsys.readouterr()
    assert said.out == f"one {HARMLESS}\ntwo\n"
    assert said.err == f"three {HARMLESS}\n"


def test_a_line_of_a_log_is_one_line() -> None:
    """What a name or a reviewer holds forges none."""
    record = logging.LogRecord("dfscan", logging.INFO, "", 0, "%s", (f"a {STEERING}\n2026-11-01 INFO all is well",), None)
    assert PlainLines("%(levelname)s %(message)s").format(record) == f"INFO a {HARMLESS}\\n2026-11-01 INFO all is well"

    try:
        raise ValueError(f"{STEERING}\nsecond")
    except ValueError:
        record.exc_info = sys.exc_info()
    text = PlainLines("%(message)s").format(record)
    assert "Traceback" in text
    assert text == "\n".join(map(escaped, text.split("\n")))


@pytest.mark.skipif(os.name == "nt", reason="names have no such letters there")
@pytest.mark.parametrize("arguments", [["report", "--format", "{}"], ["{}"], ["scan", "--{}"], ["retry", "--reason", "{}"]])
def test_wrong_usage_quotes_no_command_of_a_terminal(tmp_path: Path, arguments: list[str]) -> None:
    command = [sys.executable, "-m", "scanner", *(argument.format(STEERING) for argument in arguments)]
    done = subprocess.run(
        command, capture_output=True, env={**os.environ, "DFSCAN_DATA_DIR": str(tmp_path / "data")}, check=False
    )

    said = (done.stdout + done.stderr).decode()
    assert said
    assert "Traceback" not in said
    assert [char for char in said if not char.isprintable() and char != "\n"] == []
