"""The evidence report: whole, readable without a network, and every change to it or to an image is found."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from files.command import Here
from PIL import Image
from sqlalchemy import select

from scanner.database.engine import Database, open_database
from scanner.database.models import File
from scanner.discovery.intake import take_in
from scanner.discovery.walk import Found
from scanner.domain.evidence import Evidence
from scanner.domain.outcomes import ContentFacts, Scored
from scanner.domain.prediction import Face, Prediction
from scanner.domain.states import Basis, Decision
from scanner.jobs.leases import claim
from scanner.results.record import record, register_model
from scanner.review.decisions import add_note, decide
from scanner.review.evidence_report.manifest import NoEvidenceReport, sha256_of, verify_report
from scanner.review.evidence_report.writing import Case, ReportNotWritten, write_evidence_report

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
CASE = Case("The Müller <case>", "Anna", NOW)
LONG_NOTE = "the seam at the ear " * 200


@pytest.fixture
def reviewed(tmp_path: Path, current_sqlite: Callable[[Path], str]) -> Callable[[int], tuple[Database, list[int]]]:
    """`reviewed(n)` images with verdicts and decisions."""

    def make(count: int) -> tuple[Database, list[int]]:
        database = open_database(current_sqlite(tmp_path / "db.sqlite"))
        folder = tmp_path / "pictures"
        folder.mkdir()
        found = []
        for number in range(count):
            path = folder / f"{number:04}_a&b.jpg"
            exif = Image.Exif()
            exif[0x010F] = f"Maker {number}"
            Image.new("RGB", (80, 60), (number % 255, number // 255, 99)).save(path, exif=exif)
            found.append(Found(str(path), path.stat().st_size, path.stat().st_mtime_ns))
        take_in(database, found, root_id=None, now=NOW)
        card = {"metrics": {"pooled": {"real": 9, "fake": 8, "hit_rate": {"value": 0.7, "low": 0.6, "high": 0.8}}}}
        model = register_model(database, sha256="ab" * 32, name="lite", card=card, threshold=0.75, band_low=0.5, now=NOW)
        faces = Prediction(Basis.FACES, (Face((10, 10, 45, 45), 0.9, 0.995), Face((60, 10, 10, 10), 0.9)))
        traces = (Evidence("generator", "comfyui", "It names a generator: ComfyUI", "PNG text"),)
        while files := claim(database, "hand", 400, now=NOW, lease_seconds=60, max_attempts=3):
            facts = [ContentFacts(sha256_of(file.path), file.size, "JPEG", 80, 60, traces) for file in files]
            scored = [Scored(file, fact, 0.995, 0.1, faces) for file, fact in zip(files, facts, strict=True)]
            record(database, "hand", scored, model, device="cpu", now=NOW)
        with database.read() as session:
            rows = session.execute(select(File.id, File.content_id).order_by(File.path)).all()
        contents = [content for _, content in rows]
        decide(database, contents, Decision.REAL, note=None, reviewer="ben", now=NOW)
        decide(database, contents, Decision.FAKE, note=LONG_NOTE, reviewer="anna", now=NOW)
        add_note(database, contents[:1], "second look", reviewer="anna", now=NOW)
        return database, [file_id for file_id, _ in rows]

    return make


def test_a_report_of_300_images_stands_as_a_case_file(reviewed, tmp_path: Path) -> None:
    database, ids = reviewed(300)
    heat = [((10, 10, 20, 20), Image.new("RGBA", (8, 8), (255, 0, 0, 128)))]
    target = tmp_path / "case"
    written = write_evidence_report(database, ids, CASE, target, heat=lambda *_: heat)
    assert written.images == 300
    assert sorted(path.name for path in target.iterdir()) == [
        "SHA256SUMS",
        "index.html",
        "page-2.html",
        "page-3.html",
        "pictures",
        "report.json",
    ]
    document = json.loads((target / "report.json").read_text())
    assert (document["title"], document["author"], len(document["images"])) == (CASE.title, "Anna", 300)
    assert document["models"] == [{"name": "lite", "sha256": "ab" * 32, "threshold": 0.75}]
    first = document["images"][0]
    assert first["exif"]["Make"] == "Maker 0"
    assert (first["decision"], first["note"]) == ("fake", "second look")
    assert [(one["decision"], one["reviewer"]) for one in first["history"]] == [
        ("real", "ben"),
        ("fake", "anna"),
        ("fake", "anna"),
    ]
    assert first["pictures"] == [f"pictures/00001-{kind}.jpg" for kind in ("plain", "faces", "heatmap")]
    assert first["measured_rates"]["of_forged"]["value"] == 0.7
    pages = "".join((target / name).read_text() for name in ("index.html", "page-2.html", "page-3.html"))
    assert pages.count("<section") == 300
    assert "The Müller &lt;case&gt;" in pages
    assert "&gt;0.99" in pages
    assert "1.00" not in pages
    assert "not judged (too small)" in pages
    assert "Maker 299" in pages
    assert "ComfyUI" in pages
    assert "<meter" not in pages
    assert not re.search(r"""(src|href)=["']?(https?:)?//|<script|@import|url\(""", pages)
    for name in re.findall(r'src="([^"]+)"', pages):
        assert (target / name).is_file()
    checked = verify_report(target)
    assert (checked.problems, checked.away, checked.images) == ((), (), 300)
    assert checked.manifest_sha256 == written.manifest_sha256
    database.close()


def test_every_page_prints_to_pdf_without_a_network(reviewed, tmp_path: Path) -> None:
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        pytest.skip("no Chromium is installed here (Debian: apt-get install chromium), which prints the pages")
    database, ids = reviewed(200)
    target = tmp_path / "case"
    write_evidence_report(database, ids, CASE, target)
    database.close()
    for name in ("index", "page-2"):
        pdf = tmp_path / f"{name}.pdf"
        offline = ("--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={tmp_path / 'profile'}")
        command = [chromium, "--headless", "--no-sandbox", "--disable-gpu", *offline, f"--print-to-pdf={pdf}"]
        subprocess.run([*command, str(target / f"{name}.html")], check=True, capture_output=True, timeout=180)
        printed = pdf.read_bytes()
        assert printed.startswith(b"%PDF")
        # A page for each few images, and their pictures in it: nothing was left out.
        assert printed.count(b"/Subtype /Image") >= 100


@pytest.mark.parametrize(
    "what", ["index.html", "report.json", "SHA256SUMS", "pictures/00001-plain.jpg", "added", "removed", "image"]
)
def test_one_changed_byte_is_found(reviewed, tmp_path: Path, what: str, here: Here) -> None:
    database, ids = reviewed(2)
    target = tmp_path / "case"
    written = write_evidence_report(database, ids, CASE, target)
    database.close()
    here("verify-report", target)
    if what == "added":
        (target / "more.txt").write_text("x")
    elif what == "removed":
        (target / "index.html").unlink()
    else:
        changed = tmp_path / "pictures" / "0001_a&b.jpg" if what == "image" else target / what
        content = bytearray(changed.read_bytes())
        content[len(content) // 2] ^= 1
        changed.write_bytes(content)
    said = json.loads(here("verify-report", target, "--json", exit_status=1).stdout)
    assert said["problems"]
    if what == "SHA256SUMS":  # whoever changes a file and its sum is told by the sum that was noted
        assert said["manifest_sha256"] != written.manifest_sha256


def test_an_image_that_was_moved_is_named_and_no_folder_is_replaced(reviewed, tmp_path: Path) -> None:
    database, ids = reviewed(2)
    (tmp_path / "pictures" / "0000_a&b.jpg").rename(tmp_path / "elsewhere.jpg")
    write_evidence_report(database, ids, CASE, tmp_path / "case")
    document = json.loads((tmp_path / "case" / "report.json").read_text())
    assert "cannot be shown" in document["images"][0]["problem"]
    checked = verify_report(tmp_path / "case")
    assert (len(checked.away), checked.problems) == (1, ())
    with pytest.raises(ReportNotWritten, match="exists"):
        write_evidence_report(database, ids, CASE, tmp_path / "case")
    with pytest.raises(ReportNotWritten, match="none of these images"):
        write_evidence_report(database, [], CASE, tmp_path / "other")
    assert [path.name for path in tmp_path.glob("*other*")] == []
    with pytest.raises(NoEvidenceReport, match="holds no evidence report"):
        verify_report(tmp_path / "pictures")
    database.close()
