"""Everything that is known of one file, for a person who looks at it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from ..database.engine import Database
from ..database.models import Content, Detection, File, Model
from ..database.queries import prediction_of
from ..domain.evidence import Evidence, evidence_from_json
from ..domain.prediction import Prediction
from ..domain.states import State
from .decisions import Reviewed, reviews_of

# What waits to be scanned again keeps its verdict until then.
_WITH_VERDICT = (State.SCORED, State.PENDING)


@dataclass(frozen=True)
class Finding:
    """A model's detection on the content, and what it rests on; `card` is what the model says of itself. `seconds` it took."""

    score: float
    threshold: float
    band_low: float
    label: str
    model: str
    model_sha256: str
    card: dict[str, Any]
    device: str
    scanned_at: datetime
    seconds: float
    prediction: Prediction


@dataclass(frozen=True)
class ImageDetails:
    """One file, its content and what is known of it. Size in bytes, sides in pixels as stored.

    `copies` are other files of the same content that are still there; `other_findings` are of other models. `evidence` is what
    the file says of its origin, None where it was not looked for.
    """

    file_id: int
    content_id: int
    path: str
    sha256: str
    size: int
    format: str | None
    width: int | None
    height: int | None
    changed_at_ns: int
    finding: Finding
    other_findings: tuple[Finding, ...]
    reviews: tuple[Reviewed, ...]
    copies: tuple[str, ...]
    evidence: tuple[Evidence, ...] | None

    @property
    def note(self) -> str | None:
        """The note that counts now."""
        return self.reviews[0].note if self.reviews else None


def image_details(database: Database, file_id: int, *, copies: int = 20) -> ImageDetails | None:
    """What is known of a file with a verdict, with at most `copies` copies; None when it is no longer one."""
    with database.read() as session:
        found = session.execute(
            select(File, Content)
            .join(Content, File.content_id == Content.id)
            .where(File.id == file_id, File.state.in_(_WITH_VERDICT), File.detection_id.is_not(None))
        ).one_or_none()
        if found is None:
            return None
        file, content = found
        detections = session.execute(
            select(Detection, Model)
            .join(Model, Detection.model_id == Model.id)
            .where(Detection.content_id == content.id)
            .order_by(Detection.id.desc())
        ).all()
        of_file = [_finding(row, model) for row, model in detections if row.id == file.detection_id]
        others = tuple(_finding(row, model) for row, model in detections if row.id != file.detection_id)
        same = select(File.path).where(File.content_id == content.id, File.id != file_id, File.state.in_(_WITH_VERDICT))
        paths = tuple(session.scalars(same.order_by(File.path).limit(copies)))
    return ImageDetails(
        file_id,
        content.id,
        file.path,
        content.sha256,
        content.size,
        content.format,
        content.width,
        content.height,
        file.mtime_ns,
        of_file[0],
        others,
        reviews_of(database, content.id),
        paths,
        evidence_from_json(content.evidence),
    )


def judged_content(database: Database, path: str) -> str | None:
    """The SHA-256 of what was judged of the file at `path`; None where it has no verdict."""
    has_verdict = (File.path == path, File.state.in_(_WITH_VERDICT), File.detection_id.is_not(None))
    with database.read() as session:
        return session.scalar(select(Content.sha256).join(File, File.content_id == Content.id).where(*has_verdict))


@dataclass(frozen=True)
class ModelCard:
    """A model that has given verdicts, and what it says of itself."""

    name: str
    sha256: str
    card: dict[str, Any]


def model_cards(database: Database) -> tuple[ModelCard, ...]:
    """The models that have given verdicts, the latest first."""
    with database.read() as session:
        rows = session.scalars(select(Model).order_by(Model.first_used_at.desc(), Model.id.desc()))
        return tuple(ModelCard(row.name, row.sha256, row.card) for row in rows)


def known_models(database: Database) -> tuple[str, ...]:
    """Names of the models that have given verdicts."""
    with database.read() as session:
        return tuple(session.scalars(select(Model.name).distinct().order_by(Model.name)))


def _finding(row: Detection, model: Model) -> Finding:
    return Finding(
        row.score,
        row.threshold,
        row.band_low,
        row.label,
        model.name,
        model.sha256,
        model.card,
        row.device,
        row.scanned_at,
        row.seconds,
        prediction_of(row),
    )
