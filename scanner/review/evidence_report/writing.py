"""Writes an evidence report: pages for people, one JSON document, pictures, and the sums of all of them."""

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from ...base.access.private import share_as_user_does
from ...base.errors import KnownError
from ...base.escape import printable
from ...database.engine import Database
from ..image_details import image_details
from .image_record import FindHeat, ImageRecord, image_record, modified_at
from .manifest import DOCUMENT, write_manifest

# More on one page is slow to open and to print.
PAGE_IMAGES = 100


class ReportNotWritten(KnownError):
    """An evidence report that cannot be written."""


@dataclass(frozen=True)
class Case:
    """What stands above an evidence report."""

    title: str
    author: str
    created_at: datetime


@dataclass(frozen=True)
class Written:
    """`manifest_sha256` is worth noting elsewhere: it shows later that neither the report nor its sums were changed."""

    folder: str
    images: int
    manifest_sha256: str


def no_heat(sha256: str, model_sha256: str) -> Sequence[Any]:
    """There are no heatmaps at hand."""
    return ()


def write_evidence_report(
    database: Database, file_ids: Sequence[int], case: Case, target: Path, *, heat: FindHeat = no_heat
) -> Written:
    """Write the report into the new folder `target`, whole or not at all. Raises ReportNotWritten."""
    name = printable(str(target))
    if os.path.lexists(target):
        raise ReportNotWritten(f"{name} exists, and an evidence report replaces nothing; name another folder")
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        (partial / "pictures").mkdir(parents=True)
        found = (image_details(database, file_id) for file_id in dict.fromkeys(file_ids))
        there = [details for details in found if details is not None]
        records = [image_record(number, details, partial, heat) for number, details in enumerate(there, 1)]
        if not records:
            raise ReportNotWritten("none of these images has a verdict any more; select others")
        document = _document(case, records)
        (partial / DOCUMENT).write_text(json.dumps(document, indent=1), "utf-8")
        _write_pages(partial, case, records, document["models"])
        manifest_sha256 = write_manifest(partial)
        share_as_user_does(partial)
        partial.rename(target)
    except OSError as error:
        raise ReportNotWritten(f"{name} cannot be written: {error.strerror or error}; name another folder") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return Written(str(target), len(records), manifest_sha256)


def _document(case: Case, records: Sequence[ImageRecord]) -> dict[str, Any]:
    found = {record.finding.model_sha256: record.finding for record in records}
    models = [{"name": one.model, "sha256": one.model_sha256, "threshold": one.threshold} for one in found.values()]
    return {
        "format": 1,
        "title": case.title,
        "author": case.author,
        "created_at": case.created_at.isoformat(),
        "program": {"name": "dfscan", "version": version("dfscan")},
        "models": models,
        "images": [record.to_json() for record in records],
    }


def _write_pages(folder: Path, case: Case, records: Sequence[ImageRecord], models: Sequence[dict[str, Any]]) -> None:
    environment = Environment(
        loader=PackageLoader("scanner.reports"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["printable"] = printable
    environment.filters["when"] = lambda moment: f"{moment.astimezone():%Y-%m-%d %H:%M %z}"
    environment.filters["score"] = _score
    template = environment.get_template("evidence.html")
    pages = [records[start : start + PAGE_IMAGES] for start in range(0, len(records), PAGE_IMAGES)]
    names = ["index.html", *(f"page-{number}.html" for number in range(2, len(pages) + 1))]
    for number, (name, shown) in enumerate(zip(names, pages, strict=True)):
        page = template.stream(
            case=case,
            records=shown,
            total=len(records),
            models=models,
            version=version("dfscan"),
            pages=names,
            page=number,
            modified_at=modified_at,
        )
        with (folder / name).open("w", encoding="utf-8", errors="backslashreplace") as file:
            file.writelines(page)


def _score(score: float) -> str:
    return ">0.99" if score > 0.99 else "<0.01" if score < 0.01 else f"{score:.2f}"
