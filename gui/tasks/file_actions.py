"""Quarantine and trash as acts that can be undone, and the report of a selection.

What moves files and what writes reports is imported when it is first asked for: a window's start needs not wait for it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scanner.base.errors import KnownError
from scanner.database.engine import Database
from scanner.quarantine.journal import QUARANTINE, Journal, Removed

from .decisions import named_images


class ExportFailed(KnownError):
    """The report cannot be written."""


@dataclass
class RemovalAct:
    """Files moved away together. Those that cannot be moved stay and are named; it fails only when none could be."""

    journal: Journal
    file_ids: Sequence[int]
    reviewer: str
    kind: str
    folder: str  # of the quarantine
    send: Callable[[str], None]
    moved: list[Removed] = field(default_factory=list)

    @property
    def touched(self) -> Sequence[int]:
        """The files that it is about."""
        return self.file_ids

    def redo(self) -> str:
        """Move them away."""
        self.moved = []
        refused = []
        for file_id in self.file_ids:
            try:
                self.moved.append(self._move(file_id))
            except KnownError as error:
                refused.append(error)
        return _summary("moved to quarantine" if self.kind == QUARANTINE else "moved to the trash", self.moved, refused)

    def undo(self) -> str:
        """Move them back."""
        from scanner.quarantine.removals import restore

        back, refused = [], []
        for removal in self.moved:
            try:
                back.append(restore(self.journal, removal.id, reviewer=self.reviewer))
            except KnownError as error:
                refused.append(error)
        return _summary("restored", back, refused)

    def _move(self, file_id: int) -> Removed:
        from scanner.quarantine.removals import quarantine, trash

        if self.kind == QUARANTINE:
            return quarantine(self.journal, file_id, self.folder, reviewer=self.reviewer)
        return trash(self.journal, file_id, self.send, reviewer=self.reviewer)


def export_report(database: Database, paths: Sequence[str], target: str, *, confirmed: bool = False) -> str:
    """Write a report of `paths` with their reviews, in the format of the target's suffix. Raises ExportFailed, OutputRefused.

    `confirmed`: the user was asked, and wants an existing file replaced.
    """
    from scanner.reports.export import report_output
    from scanner.reports.formats import as_csv, as_json
    from scanner.reports.report import build_report

    report = build_report(database, paths=paths)
    suffix = Path(target).suffix.lower()
    if suffix == ".json":
        text = as_json(report, reviewers=True)
    elif suffix == ".csv":
        text = as_csv(report, reviewers=True)
    elif suffix in (".html", ".htm"):
        from scanner.reports.html_page import as_html

        text = as_html(report)
    else:
        raise ExportFailed(f"{target}: a report ends with .html, .csv or .json")
    report_output(target, database, force=confirmed).write([text])
    images = "1 image" if len(report.items) == 1 else f"{len(report.items)} images"
    return f"{images} written to {target}"


def _summary(word: str, done: Sequence[Removed], refused: Sequence[KnownError]) -> str:
    if not done and refused:
        raise refused[0]
    text = f"{named_images([removal.original_path for removal in done], len(done))}: {word}"
    return f"{text}. {len(refused)} not: {refused[0]}" if refused else text
