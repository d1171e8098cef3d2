"""From the scores of a video's frames to one: few frames of a forged video may show it."""

from collections.abc import Sequence

from scanner.domain.prediction import Frame

from ..detector.faces.face import Input

# The highest quarter of the frames looked at counts, at least one.
TOP_SHARE = 4


def mean_of_top(inputs: Sequence[Input], scores: Sequence[float]) -> tuple[float, tuple[Frame, ...]]:
    """The mean of the top k frames' scores, k = max(1, frames // 4), and those frames, the highest first.

    A frame's score is that of its highest face. Frames without a face count only in a video that has no face at all.
    """
    with_face = any(item.face is not None for item in inputs)
    highest: dict[int, Frame] = {}
    for item, score in zip(inputs, scores, strict=True):
        if (item.face is not None) == with_face and (item.frame not in highest or score > highest[item.frame].score):
            highest[item.frame] = Frame(item.frame, item.seconds or 0.0, score)
    frames = sorted(highest.values(), key=lambda frame: -frame.score)[: max(1, len(highest) // TOP_SHARE)]
    return sum(frame.score for frame in frames) / len(frames), tuple(frames)
