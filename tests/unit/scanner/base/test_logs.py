"""Log lines hold no password, in either form."""

import json
import logging
import sys

import pytest

from scanner.base.logs import JsonLines, PlainLines

URL = "redis://user:se/cr@t@server:6379/0"


def record(message: str, *arguments: object) -> logging.LogRecord:
    try:
        raise ValueError(f"no answer from {URL}")
    except ValueError:
        return logging.LogRecord("dfscan", logging.ERROR, "x.py", 1, message, arguments, sys.exc_info())


@pytest.mark.parametrize("form", [JsonLines(), PlainLines("%(message)s")])
def test_passwords_of_urls_are_replaced(form: logging.Formatter) -> None:
    line = form.format(record("cannot reach %s or %s", URL, "postgresql://host/x?user=a&password=secret"))
    assert "se/cr@t" not in line
    assert "secret" not in line
    assert "redis://user:***@server:6379/0" in line


def test_a_json_line_is_one_object_on_one_line() -> None:
    line = JsonLines().format(record("two\nlines of %s", "text"))
    assert "\n" not in line
    found = json.loads(line)
    assert found["message"] == "two\nlines of text"
    assert (found["level"], found["logger"]) == ("error", "dfscan")
    assert "ValueError" in found["traceback"]
    assert found["time"].endswith("+00:00")
