"""The picture of a manifest's row, looked at as scanning looks at it. Imports no torch: processes that only cut start quickly."""

from worker.detector.faces.face_crops import FaceInputs
from worker.detector.faces.face_finder import process_face_finder
from worker.detector.faces.input_selection import Looked, look
from worker.detector.image.picture import PictureError

from .manifest import MAX_PIXELS, ManifestError, Row


def looked_at(row: Row, size: int, shown: FaceInputs) -> Looked:
    """The picture of `row` as scanning looks at it. Raises ManifestError for one that cannot be read, and FaceFinderMissing."""
    try:
        return look(row.path.read_bytes(), size, max_pixels=MAX_PIXELS, find=process_face_finder().find, shown=shown)
    except (OSError, PictureError) as error:
        raise unreadable(row, error) from None


def unreadable(row: Row, error: Exception) -> ManifestError:
    """What to say of a row whose picture cannot be read."""
    return ManifestError(f"{row.path}: {error}. Mend it, or take its line out of the manifest")
