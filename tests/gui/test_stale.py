"""What counts as stale in the window is what `dfscan rescan` takes: verdicts of another model, or made with other settings."""

import hashlib
import json
from collections.abc import Callable

import pytest
from archives import Archive, Opened
from sqlalchemy import select

from scanner.base.settings import Settings
from scanner.database.models import File

Open = Callable[..., Opened]
LITE = json.dumps({"sha256": hashlib.sha256(b"lite").hexdigest()})
OTHER = json.dumps({"sha256": "ef" * 32})


@pytest.mark.parametrize(
    ("faces", "said", "count"),
    [(True, LITE, 0), (True, OTHER, 5), (False, LITE, 5)],
)
def test_the_rule_is_that_of_the_command(five: Archive, open_window: Open, faces: bool, said: str, count: int) -> None:
    opened = open_window(settings=Settings(data_dir=five.data_dir, faces=faces))
    assert opened.window.view is not None
    opened.window.service.start = lambda: None
    models = opened.window.view.running.models
    models._count_stale(said)
    told = f"{count} verdicts are of another model or of other settings." if count else "All verdicts are of this model and"
    opened.until(lambda: models.state.text().startswith(told))
    assert models.rescan.isVisibleTo(models) == bool(count)
    if count:
        models.rescan.click()
        opened.until(lambda: opened.window.statusBar().currentMessage() == "5 images wait for the new verdict")
        with five.database.read() as session:
            asked = set(session.execute(select(File.state, File.asked_model, File.asked_faces)))
        assert asked == {("pending", json.loads(said)["sha256"], faces)}


def test_one_is_told_in_the_singular(five: Archive, open_window: Open) -> None:
    opened = open_window()
    assert opened.window.view is not None
    models = opened.window.view.running.models
    models._show_stale(1)
    assert models.state.text() == "1 verdict is of another model or of other settings."
