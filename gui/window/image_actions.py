"""What a person does with the selected images: decide, move away, export, look at the folder.

Dialogs, and what moves files, are imported when they are first asked for: a window's start needs not wait for them.
"""

import os
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget
from send2trash import send2trash

from scanner.base.addresses.user_paths import user_path
from scanner.base.errors import KnownError
from scanner.base.escape import printable
from scanner.domain.states import Decision
from scanner.quarantine.journal import QUARANTINE, TRASH, Journal, Removed
from scanner.review.decisions import add_note
from scanner.review.ordering import QueueItem

from ..models.presenter import QueuePresenter
from ..pages.review_page import ReviewPage
from ..tasks.file_actions import RemovalAct, export_report
from ..texts.counts import counted
from ..texts.outside import plain_box
from ..widgets.questions import confirmed
from .preferences import PreferenceStore

if TYPE_CHECKING:
    from scanner.review.evidence_report.writing import Written

_NAMED = 5


class ImageActions(QObject):
    """Acts on the selection of `page`; `ignore` are the settings' names that no scan enters."""

    def __init__(
        self,
        presenter: QueuePresenter,
        page: ReviewPage,
        journal: Journal,
        store: PreferenceStore,
        ignore: Sequence[str],
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._presenter = presenter
        self._page = page
        self._journal = journal
        self._store = store
        self._ignore = ignore
        self._window = window

    def decide(self, decision: Decision) -> None:
        """Decide on the selection (and the ticked near copies, if they are to be decided on together), and go on."""
        self._presenter.acts.turns.take(lambda: self._decide(decision))

    def note(self, text: str) -> None:
        """Store a note on the selection alone."""
        self._presenter.acts.add_note(self._page.selected(), text, reviewer=self._store.read().reviewer)

    def store_drafts(self) -> None:
        """Store what was written as notes and not stored: the window closes."""
        database, reviewer, drafts = self._presenter.database, self._store.read().reviewer, self._page.deciding.note.drafts

        def store(contents: Collection[int], text: str) -> None:
            add_note(database, sorted(contents), text.strip(), reviewer=reviewer, now=database.now())

        for contents, text in drafts.items():
            self._presenter.write(partial(store, contents, text), lambda _: None)
        drafts.clear()

    def _decide(self, decision: Decision) -> None:
        if self._page.in_sight.was_just_replaced:
            self._page.deciding.notice.say("Nothing was decided: another image had just come into sight. Press the key again")
            return
        if self._page.comparing.is_on:  # of two that are compared it is for the left one: they may be forged and original
            self._page.grid.go_to(self._page.grid.currentIndex().row())
        chosen, contents = self._page.selected(), self._page.together()
        if not chosen:
            return
        preferences = self._store.read()
        current = self._page.current()
        if preferences.auto_advance and current and self._presenter.acts.is_being_decided(current.content_id):
            # There was none to go on to.
            self._page.deciding.notice.say("Nothing was decided: the decision on this image is just being stored")
            return
        note = self._page.deciding.note.take_draft()
        self._presenter.acts.decide(chosen, contents, decision, note=note, reviewer=preferences.reviewer)
        if preferences.auto_advance:
            self._page.grid.advance()

    def quarantine(self) -> None:
        """Move the selection to quarantine, after asking."""
        self._presenter.acts.turns.take(self._quarantine)

    def trash(self) -> None:
        """Move the selection to the desktop's trash, after asking."""
        self._presenter.acts.turns.take(self._trash)

    def _quarantine(self) -> None:
        folder = os.path.abspath(os.path.expanduser(self._store.read().quarantine_folder))
        chosen = self._page.selected()
        if not chosen:
            return
        database = self._presenter.database

        def check() -> None:
            from scanner.quarantine.removals import check_quarantine_folder

            check_quarantine_folder(database, folder, self._ignore)

        def ask(_: object) -> None:
            words = (
                f"Moved to {printable(folder)}.\n\nUndo, or \N{LEFT DOUBLE QUOTATION MARK}Quarantine and trash"
                "\N{RIGHT DOUBLE QUOTATION MARK} in the File menu, gives each its name, place and times back."
            )
            title = f"Move {counted(len(chosen), 'image')} to quarantine?"
            if self._confirm(title, words, chosen, "Move to quarantine"):
                self._remove(chosen, QUARANTINE, folder)

        self._presenter.ask(check, ask)

    def _trash(self) -> None:
        chosen = self._page.selected()
        if not chosen:
            return
        words = "Undo gives each its name, place and times back, as long as the trash is not emptied."
        title = f"Move {counted(len(chosen), 'image')} to the trash?"
        if self._confirm(title, words, chosen, "Move to the trash"):
            self._remove(chosen, TRASH, "")

    def export(self) -> None:
        """Write a report of the selection with its reviews."""
        chosen = self._page.selected()
        if not chosen:
            return
        target, chosen_filter = QFileDialog.getSaveFileName(
            self._window,
            f"Export {counted(len(chosen), 'image')}",
            "report.html",
            "Web page (*.html);;Table (*.csv);;JSON (*.json)",
        )
        if target:
            # The dialog has asked whether the file that it was given may be replaced, not one of another name.
            confirmed = bool(os.path.splitext(target)[1])
            if not confirmed:
                target += chosen_filter[chosen_filter.index("*") + 1 : -1]
            self.export_to(target, confirmed=confirmed)

    def export_to(self, target: str, *, confirmed: bool = False) -> None:
        """Write the report to a file; the suffix says in which format."""
        database, paths = self._presenter.database, [item.path for item in self._page.selected()]
        self._presenter.write(lambda: export_report(database, paths, target, confirmed=confirmed), self._presenter.said.emit)

    def ask_evidence(self) -> None:
        """Ask for title and folder, then write an evidence report of the selection."""
        from .dialogs.evidence_dialog import EvidenceDialog

        chosen = self._page.selected()
        if not chosen:
            return
        folder = Path.home() / f"evidence-report-{datetime.now(UTC).astimezone():%Y-%m-%d-%H%M}"
        dialog = EvidenceDialog(len(chosen), self._store.read().reviewer, folder, self._window)
        dialog.accepted.connect(
            lambda: self.write_evidence(chosen, dialog.title.text(), dialog.author.text(), dialog.folder.text())
        )
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def write_evidence(self, chosen: Sequence[QueueItem], title: str, author: str, folder: str) -> None:
        """Write an evidence report of images into a new folder, in the background."""
        from scanner.review.evidence_report.writing import Case, write_evidence_report

        database, ids = self._presenter.database, [item.file_id for item in chosen]
        case = Case(title.strip() or "Evidence report", author.strip(), datetime.now(UTC))
        target, heat = Path(user_path(folder)), self._page.look.heatmaps.cache.pictures

        def done(written: "Written") -> None:
            images = counted(written.images, "image")
            box = QMessageBox(QMessageBox.Icon.Information, "Evidence report", f"{images} written to {printable(written.folder)}")
            box.setInformativeText(f"Note the sum of its sums, apart from the report:\n{written.manifest_sha256}")
            plain_box(box)
            box.setParent(self._window, Qt.WindowType.Dialog)
            box.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            box.finished.connect(box.deleteLater)
            box.open()

        self._presenter.said.emit(f"Writing {counted(len(ids), 'image')} into {printable(folder)}\N{HORIZONTAL ELLIPSIS}")
        self._presenter.ask(lambda: write_evidence_report(database, ids, case, target, heat=heat), done)

    def copy_path(self) -> None:
        """Put the paths of the selection on the clipboard."""
        paths = [item.path for item in self._page.selected()]
        if paths:
            QGuiApplication.clipboard().setText("\n".join(map(printable, paths)))
            self._presenter.said.emit(f"Copied {counted(len(paths), 'path')}")

    def open_folder(self, opened: Callable[[QUrl], bool] = QDesktopServices.openUrl) -> None:
        """Show the folder of the current image in the desktop's file browser."""
        current = self._page.current()
        if current is not None and not opened(QUrl.fromLocalFile(os.path.dirname(current.path))):
            self._presenter.complained.emit("No program shows folders here")

    def show_kept(self) -> None:
        """Everything that was moved away."""
        from scanner.quarantine.removals import kept_files

        from .dialogs.kept_dialog import KeptDialog

        database, journal, reviewer = self._presenter.database, self._journal, self._store.read().reviewer
        dialog = KeptDialog(self._window)

        def fill(_: object = None) -> None:
            self._presenter.ask(lambda: kept_files(database), dialog.show_kept, "kept")

        def give_back(ids: Sequence[int]) -> None:
            self._presenter.write(lambda: _restore_all(journal, ids, reviewer), said)

        def said(text: str) -> None:
            self._presenter.said.emit(text)
            self._presenter.look()
            fill()

        dialog.restore_wanted.connect(give_back)
        dialog.finished.connect(dialog.deleteLater)
        fill()
        dialog.open()

    def _remove(self, chosen: Sequence[QueueItem], kind: str, folder: str) -> None:
        ids = [item.file_id for item in chosen]
        act = RemovalAct(self._journal, ids, self._store.read().reviewer, kind, folder, send2trash)
        text = f"{kind} ({len(ids)})"
        self._presenter.doing.do(act, text, [item.content_id for item in chosen])
        self._page.grid.advance()

    def _confirm(self, title: str, words: str, chosen: Sequence[QueueItem], button: str) -> bool:
        names = [printable(item.path) for item in chosen[:_NAMED]]
        if len(chosen) > _NAMED:
            names.append(f"and {len(chosen) - _NAMED} more")
        return confirmed(self._window, title, "\n".join(names) + "\n\n" + words, button)


def _restore_all(journal: Journal, ids: Sequence[int], reviewer: str) -> str:
    from scanner.quarantine.removals import restore

    done: list[Removed] = []
    refused: list[KnownError] = []
    for removal_id in ids:
        try:
            done.append(restore(journal, removal_id, reviewer=reviewer))
        except KnownError as error:
            refused.append(error)
    if refused and not done:
        raise refused[0]
    return f"Restored: {len(done)}" + (f". {len(refused)} not: {refused[0]}" if refused else "")
