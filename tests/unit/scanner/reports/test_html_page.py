"""A report as one page that loads nothing and runs nothing."""

import base64
import hashlib
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from scanner.domain.evidence import Evidence
from scanner.reports import html_page
from scanner.reports.html_page import as_html, thumbnail_of
from scanner.reports.item import ReportItem
from scanner.reports.report import Report

MakeItem = Callable[..., ReportItem]
MakePicture = Callable[..., Path]
MakeReport = Callable[..., Report]


class Page(HTMLParser):
    """What a browser makes of the page: its elements with their attributes, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def pictures(self) -> list[str]:
        return [attributes["src"] or "" for tag, attributes in self.elements if tag == "img"]


def picture_in(data_url: str) -> Image.Image:
    kind, _, content = data_url.partition(",")
    assert kind == "data:image/jpeg;base64"
    return Image.open(BytesIO(base64.b64decode(content)))


def test_markup_in_a_name_or_a_reason_is_shown_as_text(item: MakeItem, failed: MakeItem, report_of: MakeReport) -> None:
    name, reason = "/<script>alert(1)</script>\"'&amp;.jpg", "<img src=x onerror=alert(1)>"
    page = Page(as_html(report_of(item(name), failed("/b.jpg", reason))))
    assert name in page.text
    assert reason in page.text
    assert not [tag for tag, _ in page.elements if tag == "script"]
    assert page.pictures() == []


def test_the_page_loads_nothing_and_runs_nothing(
    item: MakeItem, failed: MakeItem, report_of: MakeReport, make_picture: MakePicture, tmp_path: Path
) -> None:
    picture = make_picture(tmp_path / "a.jpg")
    html = as_html(report_of(item(str(picture)), failed("/b.jpg")))
    page = Page(html)
    assert "http:" not in html
    assert "https:" not in html
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"script", "link", "iframe", "object", "embed", "base", "form", "a", "svg", "audio", "video"}
    for _, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on") or name in ("href", "action", "srcset", "background")]
    assert all(source.startswith("data:") for source in page.pictures())
    assert "url(" not in html
    assert "@import" not in html
    policy = next(attributes["content"] for tag, attributes in page.elements if "http-equiv" in attributes)
    assert policy is not None
    assert policy.startswith("default-src 'none'")


def test_thumbnail_of_present_and_gone(item: MakeItem, report_of: MakeReport, make_picture: MakePicture, tmp_path: Path) -> None:
    """A picture at hand has a thumbnail and one that is gone has none."""
    picture = make_picture(tmp_path / "a.jpg", size=(640, 320))
    page = Page(as_html(report_of(judged(item, picture), item(str(tmp_path / "gone.jpg")))))
    [source] = page.pictures()
    assert picture_in(source).size == (160, 80)
    assert "gone.jpg" in page.text


def test_a_file_without_a_verdict_has_no_thumbnail(
    failed: MakeItem, report_of: MakeReport, make_picture: MakePicture, tmp_path: Path
) -> None:
    assert Page(as_html(report_of(failed(str(make_picture(tmp_path / "a.jpg")))))).pictures() == []


def test_only_so_many_thumbnails(
    item: MakeItem, report_of: MakeReport, make_picture: MakePicture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(html_page, "THUMBNAILS", 2)
    picture = make_picture(tmp_path / "a.jpg")
    page = Page(as_html(report_of(*[judged(item, picture)] * 4)))
    assert len(page.pictures()) == 2
    assert page.text.count(str(picture)) == 4


def test_a_picture_that_is_another_one_by_now_is_not_shown(
    item: MakeItem, report_of: MakeReport, make_picture: MakePicture, tmp_path: Path
) -> None:
    """Nor one that took its place with its size and time."""
    picture = make_picture(tmp_path / "a.jpg")
    found = judged(item, picture)
    other = make_picture(tmp_path / "b.jpg", size=(300, 200))
    os.utime(other, ns=(picture.stat().st_atime_ns, picture.stat().st_mtime_ns))
    os.replace(other, picture)
    page = Page(as_html(report_of(found)))
    assert page.pictures() == []
    assert "changed since it was judged" in page.text


def test_nothing_is_decoded_by_the_process_that_reports(
    item: MakeItem, report_of: MakeReport, make_picture: MakePicture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise AssertionError("decoded here")

    found = judged(item, make_picture(tmp_path / "a.jpg"))
    monkeypatch.setattr(Image, "open", fail)
    assert len(Page(as_html(report_of(found))).pictures()) == 1


def judged(item: MakeItem, picture: Path) -> ReportItem:
    """An item of this picture as it is now."""
    return replace(item(str(picture)), sha256=hashlib.sha256(picture.read_bytes()).hexdigest())


def test_score_threshold_review_and_times_are_shown(item: MakeItem, failed: MakeItem, report_of: MakeReport) -> None:
    report = report_of(item("/a.jpg", review="unsure"), failed("/b.jpg"))
    page = Page(as_html(replace(report, since=datetime(2026, 11, 1, tzinfo=UTC), until=datetime(2026, 11, 2, tzinfo=UTC))))
    words = " ".join(page.text.split())
    assert "0.988" in words
    assert "fake from 0.750" in words
    assert "reviewed: unsure" in words
    assert "empty: the file has 0 bytes" in words
    since = datetime(2026, 11, 1, tzinfo=UTC).astimezone()
    assert f"2 files since {since:%Y-%m-%d %H:%M}" in words
    assert "not a proof" in words


def test_evidence_is_shown_as_text_with_what_it_is_worth(item: MakeItem, report_of: MakeReport) -> None:
    evidence = (
        Evidence("generator", "comfyui", "written by <b onclick=x>", "PNG text prompt"),
        Evidence("camera", "missing", "no camera data", "EXIF"),
    )
    page = Page(as_html(report_of(item("/a", evidence=evidence, group="aa00"), item("/b"))))
    words = " ".join(page.text.split())
    assert "generator: comfyui written by <b onclick=x> (PNG text prompt)" in words
    assert "no camera data" not in words
    assert "absence proves nothing" in words
    assert words.count("near copies: aa00") == 1


def test_an_empty_report_is_a_page(report_of: MakeReport) -> None:
    assert "0 files" in " ".join(Page(as_html(replace(report_of(), model=None))).text.split())


def test_page_with_any_names(item: MakeItem, failed: MakeItem, report_of: MakeReport) -> None:
    """Names of any bytes make a page that can be written."""
    html = as_html(report_of(item(os.fsdecode(b"/\xff\n.jpg")), failed("/b.jpg")))
    html.encode("utf-8")
    assert "/\\xff\\n.jpg" in Page(html).text


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK", "I;16", "LA", "1"])
def test_thumbnails_of_all_kinds_of_pictures(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "a.tiff"
    Image.new(mode, (400, 300)).save(path)
    source = thumbnail_of(str(path))
    assert source is not None
    assert picture_in(source).size == (160, 120)


def test_a_transparent_picture_is_laid_over_white(tmp_path: Path) -> None:
    Image.new("RGBA", (10, 10), (0, 0, 0, 0)).save(tmp_path / "a.png")
    source = thumbnail_of(str(tmp_path / "a.png"))
    assert source is not None
    assert picture_in(source).getpixel((5, 5)) == (255, 255, 255)


def test_a_thumbnail_is_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees
    Image.new("RGB", (400, 200)).save(tmp_path / "a.jpg", exif=exif)
    source = thumbnail_of(str(tmp_path / "a.jpg"))
    assert source is not None
    assert picture_in(source).size == (80, 160)


@pytest.mark.parametrize("content", [b"", b"no picture", b"\xff\xd8\xff\xe0 broken"])
def test_what_is_no_picture_has_no_thumbnail(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.jpg").write_bytes(content)
    assert thumbnail_of(str(tmp_path / "a.jpg")) is None


def test_a_thumbnail_is_not_made_by_another_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow would hand PostScript, whatever its name, to Ghostscript."""
    (tmp_path / "gs").write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n")
    (tmp_path / "gs").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    (tmp_path / "a.jpg").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n%%EndComments\nshowpage\n")
    assert thumbnail_of(str(tmp_path / "a.jpg")) is None
    assert not (tmp_path / "started").exists()


@pytest.mark.usefixtures("soon")
def test_a_fifo_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.jpg")
    assert thumbnail_of(str(tmp_path / "a.jpg")) is None
