"""Reviews become training data through the report that `dfscan report --format json` writes."""

import hashlib
import os
from pathlib import Path

import pytest
from PIL import Image

from scanner.reports.formats import as_json
from scanner.reports.item import ReportItem
from scanner.reports.report import Report
from training.data.importers.found import Found, ImportFailed
from training.data.importers.layouts import importer_named


def picture(path: Path, grey: int) -> Path:
    Image.new("L", (4, 4), grey).save(path)
    return path


def item(path: Path, review: str | None) -> ReportItem:
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return ReportItem(
        path=str(path),
        sha256=sha256,
        state="scored",
        label="fake",
        score=0.9,
        threshold=0.5,
        model="lite",
        scanned_at=None,
        review=review,
        reviewer=None,
        reviewed_at=None,
        note=None,
        error=None,
    )


def reported(folder: Path, *items: ReportItem) -> Path:
    """What the command writes."""
    path = folder / "report.json"
    path.write_text(as_json(Report(None, None, "lite", {}, len(items), items)))
    return path


def found(path: Path) -> Found:
    return importer_named("reviews")(path)


def test_decisions_become_labels_by_content(tmp_path: Path) -> None:
    fake, real, unsure, undecided = (picture(tmp_path / f"{name}.png", n) for n, name in enumerate("abcd"))
    items = item(fake, "fake"), item(real, "real"), item(unsure, "unsure"), item(undecided, None)

    of = found(reported(tmp_path, *items))

    assert [(one.path, one.label, one.group) for one in of.pictures] == [(fake, 1, items[0].sha256), (real, 0, items[1].sha256)]
    assert dict(of.left_out) == {"reviewed as unsure": 1}


def test_what_is_gone_or_changed_or_a_copy_is_counted(tmp_path: Path) -> None:
    kept, gone, changed = (picture(tmp_path / f"{name}.png", n) for n, name in enumerate("abc"))
    (tmp_path / "copy.png").write_bytes(kept.read_bytes())
    report = reported(
        tmp_path, item(kept, "fake"), item(tmp_path / "copy.png", "fake"), item(gone, "real"), item(changed, "real")
    )
    gone.unlink()
    picture(changed, 200)

    of = found(report)

    assert [one.path for one in of.pictures] == [kept]
    assert dict(of.left_out) == {"copies of others": 1, "gone or unreadable": 1, "changed since they were reviewed": 1}


def test_a_copy_stands_in_for_a_file_that_is_gone(tmp_path: Path) -> None:
    gone = picture(tmp_path / "a.png", 1)
    copy = tmp_path / "b.png"
    copy.write_bytes(gone.read_bytes())
    report = reported(tmp_path, item(gone, "fake"), item(copy, "fake"))
    gone.unlink()

    assert [one.path for one in found(report).pictures] == [copy]


def test_a_name_of_any_bytes_is_found(tmp_path: Path) -> None:
    path = Path(os.fsdecode(bytes(tmp_path) + b"/caf\xe9.png"))
    Image.new("L", (4, 4)).save(tmp_path / "plain.png")
    os.rename(tmp_path / "plain.png", path)

    assert [one.path for one in found(reported(tmp_path, item(path, "fake"))).pictures] == [path]


def test_a_report_without_decisions_says_what_to_do(tmp_path: Path) -> None:
    path = picture(tmp_path / "a.png", 1)

    with pytest.raises(ImportFailed, match=r"nothing in it was reviewed as fake or real\. Review some"):
        found(reported(tmp_path, item(path, None), item(path, "unsure")))


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"items": [{"path": "a"}]}', '{"items": 3}'])
def test_another_file_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "other.json").write_text(content)

    with pytest.raises(ImportFailed, match=r"other\.json: is no report of dfscan"):
        found(tmp_path / "other.json")
