"""The proof of completeness, against a disk and a database that disagree in every way."""

import os
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from scanner.database.engine import Database
from scanner.database.models import File
from scanner.discovery.intake import mark_missing_path, take_in
from scanner.discovery.walk import walk
from scanner.domain.claims import Claimed
from scanner.domain.outcomes import ActiveModel, ContentFacts, Failed, Scored
from scanner.results.record import record
from scanner.roots.roots import add_roots
from scanner.services.verify import NothingToVerify, Proof, prove

Lease = Callable[..., list[Claimed]]
MakePicture = Callable[..., Path]


@pytest.fixture
def tree(tmp_path: Path, make_picture: MakePicture) -> Path:
    folder = tmp_path / "tree"
    (folder / "deep" / "deeper").mkdir(parents=True)
    for number, name in enumerate(["a.jpg", "deep/b.png", "deep/deeper/c.webp"]):
        make_picture(folder / name, number)
    (folder / "notes.txt").write_text("no image")
    return folder


@pytest.fixture
def taken(database: Database, tree: Path, now: datetime) -> Path:
    """The tree, after intake."""
    take_in(database, list(walk(str(tree), root=str(tree), ignore=())), root_id=None, now=now)
    return tree


@pytest.fixture
def scored(database: Database, taken: Path, lease: Lease, model: ActiveModel, now: datetime) -> Path:
    """The tree, with a verdict for each file."""
    outcomes = [Scored(file, ContentFacts(f"{file.id:064x}", file.size), 0.9, 0.1) for file in lease()]
    record(database, "worker", outcomes, model, device="cpu", now=now)
    return taken


def verify(database: Database, folder: Path, *ignore: str) -> Proof:
    return prove(database, [str(folder)], roots=[], ignore=ignore)


def unexplained(proof: Proof) -> set[str]:
    return {Path(item.path).name for item in proof.unexplained}


def test_what_was_never_taken_in_is_unexplained(database: Database, tree: Path) -> None:
    proof = verify(database, tree)
    assert unexplained(proof) == {"a.jpg", "b.png", "c.webp"}
    assert proof.files == 3


def test_pending_and_scored_files_are_explained(
    database: Database, scored: Path, make_picture: MakePicture, now: datetime
) -> None:
    proof = verify(database, scored)
    assert (proof.verdict, proof.files, proof.unexplained) == (3, 3, [])
    make_picture(scored / "new.jpg", 9)
    assert unexplained(verify(database, scored)) == {"new.jpg"}
    take_in(database, list(walk(str(scored), root=str(scored), ignore=())), root_id=None, now=now)
    proof = verify(database, scored)
    assert (proof.verdict, proof.pending, proof.unexplained) == (3, 1, [])


def test_files_that_changed_or_went_since(database: Database, scored: Path) -> None:
    with (scored / "a.jpg").open("ab") as opened:
        opened.write(b"more")
    (scored / "deep" / "b.png").unlink()
    proof = verify(database, scored)
    assert (proof.verdict, proof.changed, proof.gone, proof.unexplained) == (1, 1, 1, [])


def test_rules_are_counted_by_what_they_pass_over(database: Database, scored: Path, make_picture: MakePicture) -> None:
    (scored / "@eaDir" / "below").mkdir(parents=True)
    (scored / ".hidden").mkdir()
    make_picture(scored / "@eaDir" / "below" / "thumb.jpg", 5)
    make_picture(scored / ".hidden" / "h.jpg", 6)
    make_picture(scored / ".h.jpg", 7)
    proof = verify(database, scored, "@eaDir")
    assert proof.skipped == {"ignored by @eaDir": 1, "hidden": 2}
    assert proof.unexplained == []
    assert unexplained(verify(database, scored)) == {"thumb.jpg"}


def test_failures_count_by_kind(database: Database, taken: Path, lease: Lease, model: ActiveModel, now: datetime) -> None:
    """A failure counts with its kind and only with a reason."""
    files = lease()
    record(database, "worker", [Failed(file, "undecodable", "because") for file in files], model, device="cpu", now=now)
    assert verify(database, taken).failed == {"undecodable": 3}
    with database.write() as session:
        session.get_one(File, files[0].id).error = None
    proof = verify(database, taken)
    assert proof.failed == {"undecodable": 2}
    assert len(proof.unexplained) == 1


def test_a_verdict_without_its_detection_is_none(database: Database, scored: Path, row: Callable[[str], File]) -> None:
    with database.write() as session:
        session.get_one(File, row(str(scored / "a.jpg")).id).detection_id = None
    assert unexplained(verify(database, scored)) == {"a.jpg"}


def test_links_fifos_and_names_of_any_bytes(database: Database, scored: Path, tmp_path: Path, now: datetime) -> None:
    (scored / "loop.jpg").symlink_to("loop.jpg")
    (scored / "dangling.jpg").symlink_to("nothing")
    (scored / "out").symlink_to(tmp_path)
    (scored / "text.jpg").symlink_to(scored / "notes.txt")
    os.mkfifo(scored / "fifo.jpg")
    os.mkfifo(scored / "fifo")
    (scored / "a.jpg").rename(os.fsdecode(os.fsencode(scored) + b"/\xff\n.jpg"))
    proof = verify(database, scored)
    assert len(proof.unexplained) == 6
    take_in(database, list(walk(str(scored), root=str(scored), ignore=())), root_id=None, now=now)
    proof = verify(database, scored)
    assert proof.unexplained == []
    assert proof.skipped.total() == 4


def test_missing_file_is_back(database: Database, scored: Path, tmp_path: Path, now: datetime) -> None:
    """A missing file that is back is unexplained until the next sweep."""
    (scored / "a.jpg").rename(tmp_path / "away.jpg")
    mark_missing_path(database, str(scored / "a.jpg"), now=now)
    assert verify(database, scored).unexplained == []
    (tmp_path / "away.jpg").rename(scored / "a.jpg")
    [item] = verify(database, scored).unexplained
    assert "marked missing" in item.why


def test_part_of_a_root(database: Database, tree: Path) -> None:
    """A part of a root is judged by the rules of the root."""
    proof = prove(database, [str(tree / "deep" / "deeper")], roots=[str(tree)], ignore=["deep/deeper"])
    assert proof.skipped == {"ignored by deep/deeper": 1}


def test_more_files_than_one_batch(database: Database, tree: Path, now: datetime) -> None:
    for number in range(1200):
        (tree / f"{number}.jpg").touch()
    found = list(walk(str(tree), root=str(tree), ignore=()))[:1200]
    for start in range(0, 1200, 500):
        take_in(database, found[start : start + 500], root_id=None, now=now)
    proof = verify(database, tree)
    assert proof.pending == 1200
    assert len(proof.unexplained) == 3


def test_a_path_that_is_not_there(database: Database, tmp_path: Path) -> None:
    with pytest.raises(NothingToVerify, match="does not exist"):
        verify(database, tmp_path / "absent")


def test_each_file_is_looked_at_once(database: Database, scored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proof of a million files takes about what a walk over them takes: one look at each, and none more for its row."""
    looks: Counter[str] = Counter()
    look = os.lstat

    def counted(path: str) -> os.stat_result:
        looks[path] += 1
        return look(path)

    monkeypatch.setattr(os, "lstat", counted)
    proof = verify(database, scored)
    assert (proof.verdict, proof.gone) == (3, 0)
    assert {looks[str(scored / name)] for name in ("a.jpg", "deep/b.png", "deep/deeper/c.webp")} == {1}


@pytest.mark.parametrize("name", ["deep-1.jpg", "deep.jpg", "deep0.jpg", "d\\eep.jpg", "d\u00e9.jpg", "D.jpg"])
def test_names_around_a_folders_name(database: Database, tree: Path, make_picture: MakePicture, now: datetime, name: str) -> None:
    """Disk and database are gone along in one order, whatever sorts before and after the separator."""
    make_picture(tree / name, 7)
    take_in(database, list(walk(str(tree), root=str(tree), ignore=())), root_id=None, now=now)
    proof = verify(database, tree)
    assert (proof.pending, proof.gone, proof.unexplained) == (4, 0, [])
    (tree / name).unlink()
    proof = verify(database, tree)
    assert (proof.pending, proof.gone, proof.unexplained) == (3, 1, [])


def test_a_folder_that_cannot_be_read_beside_what_sorts_before_it(
    database: Database, scored: Path, make_picture: MakePicture, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its row is out of the order of the walk, and is found all the same."""
    make_picture(scored / "deep-1.jpg", 8)
    scan = os.scandir

    def refused(path: str) -> object:
        if path.rstrip("/") == str(scored / "deep"):
            raise PermissionError(13, "Permission denied")
        return scan(path)

    monkeypatch.setattr(os, "scandir", refused)
    assert unexplained(verify(database, scored)) == {"deep", "deep-1.jpg"}
    take_in(database, list(walk(str(scored), root=str(scored), ignore=())), root_id=None, now=now)
    proof = verify(database, scored)
    assert proof.unexplained == []
    assert (proof.failed, proof.gone) == ({"unreadable-folder": 1}, 0)


def test_rows_of_a_root_that_is_away_explain_and_are_not_gone(database: Database, scored: Path, now: datetime) -> None:
    [root] = add_roots(database, [str(scored / "deep")], now)
    (scored / "deep" / "b.png").unlink()
    proof = prove(database, [str(scored)], roots=[], ignore=(), spare=[root.id])
    assert (proof.verdict, proof.gone, proof.unexplained) == (2, 0, [])
    assert prove(database, [str(scored), str(scored / "deep")], roots=[], ignore=()).gone == 1
