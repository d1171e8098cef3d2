"""The picture of a manifest's row, looked at as scanning looks at it. Imports no torch: processes that only cut start quickly."""

from collections.abc import Sequence

from worker.detector.faces.face_crops import FaceInputs
from worker.detector.faces.face_finder import process_face_finder
from worker.detector.faces.input_selection import Looked, Wanted, look_for
from worker.detector.image.picture import PictureError

from .manifest import MAX_PIXELS, ManifestError, Row


def looked_at(row: Row, size: int, shown: FaceInputs) -> Looked:
    """The picture of `row` as scanning looks at it. Raises ManifestError for one that cannot be read, and FaceFinderMissing."""
    [looked] = looked_at_for(row, [Wanted(size, shown)])
    return looked


def looked_at_for(row: Row, wanted: Sequence[Wanted]) -> tuple[Looked, ...]:
    """The same for several networks, in the order of `wanted`."""
    find = process_face_finder().find if any(one.shown.looked_for for one in wanted) else None
    try:
        return look_for(row.read(), wanted, max_pixels=MAX_PIXELS, find=find)
    except (OSError, PictureError) as error:
        raise unreadable(row, error) from None


def unreadable(row: Row, error: Exception) -> ManifestError:
    """What to say of a row whose picture cannot be read."""
    reason = (error.strerror if isinstance(error, OSError) else None) or error
    return ManifestError(f"{row.path}: {reason}. Mend it, or take its line out of the manifest")
