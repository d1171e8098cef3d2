"""What is asked of a job beside its file, and how a verdict was made: one content may have a verdict for each way."""

from dataclasses import dataclass

FACES, WHOLE = "faces", "whole"


@dataclass(frozen=True)
class Asked:
    """By which model a file is to be judged (sha256 of its checkpoint, hex), whether its faces are to be looked for, and whether
    videos are meant, too. None: as the worker that takes it has it.
    """

    model: str | None = None
    faces: bool | None = None
    videos: bool | None = None


# What is asked of files of which nothing is.
ANYTHING = Asked()


def made_with(faces: bool, frames: int | None = None) -> str:
    """How a verdict is made: of the faces or of the whole picture, and of how many `frames` of a video, if it is one."""
    way = FACES if faces else WHOLE
    return way if frames is None else f"{way}, {frames} frames"
