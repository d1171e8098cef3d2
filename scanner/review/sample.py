"""Which filters a large part of all files passes: told by a few files that stand for all, without counting.

To count twenty thousand files for each page took longer than the page, where a folder or a period holds nearly all.
"""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import Session

from ..database.models import Detection, File

_SIZE, _ENOUGH = 32, 8
# A filter is taken for large only where the sample speaks for so many times as many files as it must have at least.
_MARGIN = 3
# Multiples of the golden ratio, without their whole parts: spread evenly, and in step with no pattern of the ids.
_PLACES = tuple(number * 0.6180339887498949 % 1 for number in range(1, _SIZE + 1))


def are_large(session: Session, conditions: Sequence[ColumnElement[bool]], files: int, least: int) -> list[bool]:
    """For each condition, whether `least` of the `files` pass it without doubt. False where that is not sure."""
    if not conditions or files < _MARGIN * least:
        return [False] * len(conditions)
    passing = (func.coalesce(func.sum(case((condition, 1), else_=0)), 0) for condition in conditions)
    sample = select(*passing).select_from(File).join(Detection, File.detection_id == Detection.id)
    ids = [1 + int(place * files) for place in _PLACES]
    found = session.execute(sample.where(File.id.in_(ids))).one()
    return [passed >= _ENOUGH and passed * files >= _SIZE * _MARGIN * least for passed in found]
