"""What a file, a verdict, a decision and a removal can be."""

from enum import StrEnum


class State(StrEnum):
    """Where a file stands."""

    PENDING = "pending"  # waits for a worker, or is leased to one
    SCORED = "scored"  # has a detection
    FAILED = "failed"  # cannot be scored; `error` says why
    SKIPPED = "skipped"  # was never read (a link, a FIFO, ...); `error` says why
    MISSING = "missing"  # was here and is gone; what is known of it stays


class Label(StrEnum):
    """The verdict on one content."""

    FAKE = "fake"
    UNCERTAIN = "uncertain"
    REAL = "real"


# Labels of what is shown to a person unasked.
FLAGGED = (Label.FAKE.value, Label.UNCERTAIN.value)


class Basis(StrEnum):
    """What a score is of."""

    FACES = "faces"  # the faces that were found
    WHOLE = "whole"  # the picture as a whole
    BOTH = "both"  # its faces and the picture as a whole


class Decision(StrEnum):
    """What a person decided on a content."""

    FAKE = "fake"
    REAL = "real"
    UNSURE = "unsure"
    WITHDRAWN = "withdrawn"  # taken back: as if no one had decided


class RemovalState(StrEnum):
    """Where a file stands that a person has moved away."""

    MOVING = "moving"  # about to be moved, or being moved
    KEPT = "kept"  # in the quarantine folder or the trash
    RESTORING = "restoring"  # about to be moved back, or being moved back
    RESTORED = "restored"  # where it was
    ABANDONED = "abandoned"  # never left its place, or can no longer be found; `note` says which
