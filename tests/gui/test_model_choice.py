"""One model for window and command line, and what another one leaves stale."""

from collections.abc import Callable

import pytest
from archives import START, WAIT, Archive, Opened

from scanner.base.choices import choose_model, chosen_model
from scanner.results.problems import rescan_stale
from scanner.roots.roots import add_roots

Open = Callable[..., Opened]


def test_what_is_stale_is_scanned_again(five: Archive, open_window: Open) -> None:
    add_roots(five.database, [str(five.folder)], START)
    opened = open_window()
    assert opened.window.view is not None
    running = opened.window.view.running
    opened.window.view.run_button.setChecked(True)
    opened.bot.waitUntil(
        lambda: "5 verdicts are of another model or of other settings" in running.models.state.text(), timeout=4 * WAIT
    )
    assert running.models.rescan.isVisible()
    running.models.rescan.click()
    opened.until(lambda: opened.window.statusBar().currentMessage() == "5 images wait for the new verdict")
    assert opened.window.service.is_running
    running.stop.click()
    opened.until(lambda: not opened.window.service.is_running)


def test_what_waits_to_be_scanned_again_stays_where_it_is(five: Archive, open_window: Open) -> None:
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    opened.press("f")
    opened.shows("b", "c", "d")
    rescan_stale(five.database, "cd" * 32, START)
    opened.until(lambda: opened.window.view is not None and "5 waiting" in opened.window.view.running.progress.text())
    opened.until(lambda: opened.tabs[:2] == ["To review  3", "Fake  1"])
    assert opened.names == ["b", "c", "d"]
    opened.press("j")
    opened.until(lambda: "File" in opened.page.details.toPlainText())
    opened.press("r")
    opened.shows("b", "d")


def test_one_choice_of_the_model_for_window_and_command_line(five: Archive, open_window: Open) -> None:
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    assert opened.window.view is not None
    running = opened.window.view.running
    choose_model(five.data_dir, "press")  # as `dfscan model use` does while the window is open
    opened.until(lambda: running.models.model.currentData() == "press")
    assert opened.window.service.current().model == "press"
    running.models.model.addItem("lite", "lite")
    running.models.model.setCurrentIndex(running.models.model.findData("lite"))
    running.models.model.activated.emit(running.models.model.currentIndex())
    assert chosen_model(five.data_dir) == "lite"
    assert opened.window.service.current().model == "lite"


def test_without_the_worker_extra_reviewing_goes_on(five: Archive, open_window: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gui.window.main_window.worker_is_installed", lambda: False)
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    assert "pip install 'dfscan[worker]'" in opened.window.banner.text()
    opened.press("f")
    opened.shows("b", "c", "d")
