"""Folders that cannot be read are said of when it changes, and not all the time."""

import logging

import pytest

from scanner.services.unreadable import IN_SECONDS, LINES, UnreadableLog


def test_each_change_is_said_until_there_are_too_many(caplog: pytest.LogCaptureFixture) -> None:
    time = [0.0]
    said = UnreadableLog(logging.getLogger("test"), lambda: time[0])
    said.note(2, "/a")
    said.note(2, "/b")
    assert [record.getMessage().rpartition(": ")[2] for record in caplog.records] == ["2, such as /a"]
    for number in range(100):
        said.note(number % 2, "/c")
        time[0] += 1
    assert len(caplog.records) == LINES
    said.note(7, "/d")
    time[0] += IN_SECONDS
    said.say()
    said.say()
    assert len(caplog.records) == LINES + 1
    assert "7, such as /d" in caplog.text


def test_that_all_can_be_read_is_said(caplog: pytest.LogCaptureFixture) -> None:
    said = UnreadableLog(logging.getLogger("test"), lambda: 0.0)
    said.note(0, None)
    assert caplog.text == ""
    said.note(1, "/a")
    said.note(0, None)
    assert caplog.text.count("every folder can be read again") == 1
