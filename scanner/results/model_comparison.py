"""What a new model made of images that another had judged before."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from ..database.engine import Database
from ..database.models import Content, Detection, File, Model
from ..database.queries import any_of
from ..domain.states import State


@dataclass(frozen=True)
class Opinion:
    """One model's verdict on a content; `score` is 0..1."""

    model: str
    label: str
    score: float


@dataclass(frozen=True)
class Flip:
    """A content whose label is another one now, and the files that hold it."""

    sha256: str
    paths: tuple[str, ...]
    before: Opinion
    after: Opinion


@dataclass(frozen=True)
class Comparison:
    """How many contents have both verdicts, how often each label became which, and the contents whose label changed."""

    compared: int
    counts: dict[tuple[str, str], int]
    flips: tuple[Flip, ...]


def compare_models(database: Database, model_sha256: str, *, paths: Sequence[str] = ()) -> Comparison:
    """Compare the checkpoint's verdicts with the latest of other models on the same contents, of files under `paths`, if any."""
    after, before, model_before, model_after = aliased(Detection), aliased(Detection), aliased(Model), aliased(Model)
    others = select(Detection.id).where(Detection.content_id == after.content_id, Detection.model_id != after.model_id)
    latest = others.order_by(Detection.scanned_at.desc(), Detection.id.desc()).limit(1).scalar_subquery()
    query = select(
        Content.sha256, File.path, model_before.name, before.label, before.score, model_after.name, after.label, after.score
    )
    query = query.join(after, after.content_id == Content.id).join(model_after, after.model_id == model_after.id)
    query = query.join(before, before.id == latest).join(model_before, before.model_id == model_before.id)
    same = aliased(Detection)
    own = select(func.max(same.id)).where(same.content_id == after.content_id, same.model_id == after.model_id).scalar_subquery()
    query = query.join(File, File.content_id == Content.id)
    query = query.where(model_after.sha256 == model_sha256, after.id == own, File.state != State.MISSING)
    if paths:
        query = query.where(any_of(paths))
    counts: Counter[tuple[str, str]] = Counter()
    flips = []
    with database.read() as session:
        rows = session.execute(query.order_by(Content.id, File.path)).yield_per(1000)
        for sha256, of_content in groupby(rows, key=lambda row: row[0]):
            first, *more = list(of_content)
            was, became = Opinion(*first[2:5]), Opinion(*first[5:8])
            counts[was.label, became.label] += 1
            if was.label != became.label:
                flips.append(Flip(sha256, tuple(row[1] for row in (first, *more)), was, became))
    return Comparison(counts.total(), dict(counts), tuple(flips))
