"""What is known of the image in sight, in words first and numbers after."""

from collections.abc import Iterable
from datetime import UTC, datetime

from PySide6.QtCore import QUrl, Signal
from PySide6.QtGui import QImage, QTextDocument
from PySide6.QtWidgets import QWidget

from scanner.base.escape import printable
from scanner.domain.evidence import Evidence
from scanner.results.part_verdicts import part_verdicts
from scanner.review.decisions import Reviewed
from scanner.review.image_details import Finding, ImageDetails

from ..texts.evidence_texts import branches, frames, origin, parts, rests_on, stability
from ..texts.outside import Document, in_html
from ..texts.verdict_texts import is_judged, score_text, verdict_word
from .verdict_card import FACE, verdict_card

_CARD = in_html("The model's card")


class DetailsPanel(Document):
    """Text that can be selected and copied. `copy_chosen` names another file of the same content."""

    copy_chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Details")
        self.anchorClicked.connect(self._follow)
        self._copies: tuple[str, ...] = ()
        self._details: ImageDetails | None = None
        self._face = QImage()

    def show_details(self, details: ImageDetails) -> None:
        """Fill the panel."""
        if self._details is not None and self._details.file_id != details.file_id:
            self._face = QImage()
        self._details = details
        self._copies = details.copies
        parts = [
            verdict_card(details, with_face=not self._face.isNull()),
            self._reviews(details.reviews),
            self._table(self._facts(details)),
            self._origin(details.evidence),
            self._copy_links(details),
            self._others(details.other_findings),
            self._card(details.finding),
        ]
        place = self.verticalScrollBar().value()
        self.setHtml("".join(parts))
        self.verticalScrollBar().setValue(place)

    def show_face(self, file_id: int, face: QImage) -> None:
        """The deciding face of the image, enlarged; null where there is none."""
        if self._details is not None and self._details.file_id == file_id:
            self._face = face
            self.document().addResource(QTextDocument.ResourceType.ImageResource.value, QUrl(FACE), face)
            self.show_details(self._details)

    def _facts(self, details: ImageDetails) -> list[tuple[str, str]]:
        found = details.finding
        alone = part_verdicts(found.card, found.prediction)
        changed = datetime.fromtimestamp(details.changed_at_ns / 1e9, UTC)
        sides = f"{details.width} \N{MULTIPLICATION SIGN} {details.height}" if details.width else "unknown"
        return [
            ("Score", score_text(found.score)),
            (
                "Threshold",
                f"fake from {found.threshold:.2f}, uncertain from {found.band_low:.2f}",
            ),
            ("Rests on", rests_on(found.prediction)),
            ("Stability", stability(found.prediction)),
            *([("Parts alone", parts(alone))] if alone else []),
            *([("Branches", branches(found.prediction))] if found.prediction.branches and not alone else []),
            *([("Frames", frames(found.prediction))] if found.prediction.frames else []),
            ("File", printable(details.path)),
            (
                "Size",
                "{size}, {kilobytes:,.0f} kB {format}".format(
                    size=sides, kilobytes=details.size / 1000, format=details.format or ""
                ),
            ),
            ("Changed", _moment(changed)),
            ("Scanned", _moment(found.scanned_at)),
            ("Model", f"{found.model} ({found.model_sha256[:12]}), {found.device}, {found.seconds:.2f} s"),
            ("SHA-256", details.sha256),
        ]

    def _table(self, rows: Iterable[tuple[str, str]]) -> str:
        cells = "".join(
            f"<tr><td style='padding-right:10px'><b>{in_html(name)}</b></td><td>{in_html(value)}</td></tr>"
            for name, value in rows
        )
        return f"<table cellpadding='1'>{cells}</table>"

    def _reviews(self, reviews: tuple[Reviewed, ...]) -> str:
        if not reviews:
            return f"<p><i>{in_html('No one has decided on it yet.')}</i></p>"
        followed = zip(reviews, (*reviews[1:], None), strict=True)
        lines = "".join(f"<li>{in_html(self._review(review, before))}</li>" for review, before in followed)
        return f"<p><b>{in_html('Reviews')}</b></p><ul>{lines}</ul>"

    def _origin(self, evidence: tuple[Evidence, ...] | None) -> str:
        told, traces = origin(evidence)
        lines = "".join(f"<li>{in_html(printable(trace))}</li>" for trace in traces)
        title = f"<p><b>{in_html('What the file says of its origin')}</b>"
        return f"{title}<br>{in_html(told)}</p>" + (f"<ul>{lines}</ul>" if lines else "")

    def _review(self, review: Reviewed, before: Reviewed | None) -> str:
        if review.is_note(before):
            word = "note" if review.note else "note removed"
        else:
            word = "taken back" if review.decision == "withdrawn" else review.decision
        new = review.note and (before is None or review.note != before.note)  # a note stays when someone else decides
        note = f": {review.note}" if new else ""
        return f"{word} by {review.reviewer}, {_moment(review.created_at)}" + note

    def _copy_links(self, details: ImageDetails) -> str:
        if not details.copies:
            return ""
        links = "".join(
            f"<li><a href='copy:{number}'>{in_html(printable(path))}</a></li>" for number, path in enumerate(details.copies)
        )
        title = "The same content is also at"
        return f"<p><b>{in_html(title)}</b></p><ul>{links}</ul>"

    def _others(self, findings: tuple[Finding, ...]) -> str:
        if not findings:
            return ""
        lines = "".join(f"<li>{in_html(_other(found))}</li>" for found in findings)
        return f"<p><b>{in_html('What other models said')}</b></p><ul>{lines}</ul>"

    def _card(self, finding: Finding) -> str:
        """The model's own description, as far as it is plain values."""
        rows = [
            (str(name).replace("_", " "), f"{value:.2f}" if isinstance(value, float) else str(value))
            for name, value in finding.card.items()
            if isinstance(value, str | int | float) and str(value)
        ]
        if not rows:
            return ""
        return f"<p><b>{_CARD}</b></p>" + self._table(rows)

    def _follow(self, link: QUrl) -> None:
        number = int(link.path())
        if 0 <= number < len(self._copies):
            self.copy_chosen.emit(self._copies[number])


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"


def _other(found: Finding) -> str:
    verdict = verdict_word(found.label, is_judged=is_judged(found))
    return f"{found.model}: {verdict}, {score_text(found.score)}, {_moment(found.scanned_at)}"
