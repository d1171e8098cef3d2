"""A row whose file is there and no longer walked says what became of it, and counts again when the file is as it was."""

from collections.abc import Callable
from pathlib import Path

import pytest
from files.rows import WHEN as NOW
from sqlalchemy import update

from scanner.base.settings import Settings
from scanner.database.engine import Database
from scanner.database.models import Content, Detection, File, Model
from scanner.services.scan import take_in_paths

Row = Callable[[str], File]


@pytest.fixture
def scan(database: Database, tmp_path: Path) -> Callable[..., None]:
    def take(*, ignore: tuple[str, ...] = ()) -> None:
        settings = Settings(tmp_path / "data", settle_seconds=0.01, ignore=ignore)
        take_in_paths(settings, database, [str(tmp_path / "pics")], lambda: NOW)

    return take


@pytest.fixture
def judged(database: Database, tmp_path: Path, make_picture: Callable[..., Path], scan: Callable[..., None]) -> Path:
    folder = tmp_path / "pics"
    (folder / "old").mkdir(parents=True)
    for number, name in enumerate(("a.jpg", "b.jpg", "old/c.jpg")):
        make_picture(folder / name, number)
    scan()
    with database.write() as session:
        content = Content(sha256="aa" * 32, size=1, first_seen_at=NOW)
        model = Model(sha256="11" * 32, name="lite", card={}, first_used_at=NOW)
        session.add_all([content, model])
        session.flush()
        numbers = {"score": 0.9, "threshold": 0.7, "band_low": 0.5, "seconds": 0.1}
        detection = Detection(
            content_id=content.id,
            model_id=model.id,
            made_with="faces",
            label="fake",
            basis="whole",
            device="cpu",
            scanned_at=NOW,
            **numbers,
        )
        session.add(detection)
        session.flush()
        session.execute(update(File).values(state="scored", detection_id=detection.id, content_id=content.id))
    return folder


def test_ignored_by_a_new_rule_and_no_longer(judged: Path, scan: Callable[..., None], row: Row) -> None:
    path = str(judged / "old" / "c.jpg")
    before = row(path).detection_id
    scan(ignore=("old",))
    found = row(path)
    assert (found.state, found.error_kind) == ("skipped", "passed-over")
    assert "ignored by old" in str(found.error)
    assert row(str(judged / "a.jpg")).state == "scored"
    scan()
    assert (row(path).state, row(path).detection_id, row(path).error) == ("scored", before, None)


def test_a_file_that_is_no_image_any_more(judged: Path, scan: Callable[..., None], row: Row, database: Database) -> None:
    odd = judged / "scan without suffix"
    with database.write() as session:
        session.execute(update(File).where(File.path == str(judged / "b.jpg")).values(path=str(odd)))
    odd.write_text("a shopping list")
    scan()
    assert (row(str(odd)).state, row(str(odd)).error) == ("skipped", "it is no image any more")


def test_what_was_only_out_of_sight_keeps_its_verdict(
    judged: Path, scan: Callable[..., None], row: Row, database: Database
) -> None:
    """As when another machine, or a worker whose mount lagged, did not see it: the next sweep undoes that."""
    path = judged / "a.jpg"
    before = row(str(path)).detection_id
    path.rename(judged.parent / "a.jpg")
    scan()
    assert row(str(path)).state == "missing"
    (judged.parent / "a.jpg").rename(path)
    scan()
    found = row(str(path))
    assert (found.state, found.state_if_same, found.detection_id) == ("pending", "scored", before)  # it was moved
    with database.write() as session:
        session.execute(update(File).where(File.id == found.id).values(state="missing"))
    scan()
    assert (row(str(path)).state, row(str(path)).detection_id) == ("scored", before)
    path.write_bytes(path.read_bytes() + b"more")
    scan()
    assert row(str(path)).state == "pending"


def test_a_second_machine_with_the_same_path_marks_nothing_missing(
    judged: Path, scan: Callable[..., None], row: Row, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    (judged / "a.jpg").unlink()
    monkeypatch.setattr("scanner.services.scan.this_host", lambda: "another-machine")
    scan()
    shared = database.engine.dialect.name == "postgresql"
    assert row(str(judged / "a.jpg")).state == ("scored" if shared else "missing")
    monkeypatch.undo()
    scan()
    assert row(str(judged / "a.jpg")).state == "missing"
