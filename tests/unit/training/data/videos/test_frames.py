"""Which frames of which videos are taken."""

from pathlib import Path

import pytest

from training.data.importers.found import Found, ImportFailed, Picture
from training.data.videos.frames import with_compression, with_frames, with_groups_as_videos


def frames(video: str, count: int, compression: str = "") -> list[Picture]:
    """Without leading zeros: 10 comes after 9, and not after 1."""
    return [
        Picture(Path(video or "photographs") / f"{n}.png", 0, "anna", video=video, compression=compression) for n in range(count)
    ]


@pytest.mark.parametrize(
    ("there", "wanted", "kept"),
    [(12, 4, [0, 3, 6, 9]), (11, 4, [0, 2, 4, 6]), (4, 4, [0, 1, 2, 3]), (3, 32, [0, 1, 2]), (270, 32, list(range(0, 256, 8)))],
)
def test_frames_are_evenly_spread(there: int, wanted: int, kept: list[int]) -> None:
    of = with_frames(Found(tuple(reversed(frames("clip", there))), {"odd": 1}), wanted)

    assert sorted(int(one.path.stem) for one in of.pictures) == kept
    assert +of.left_out == {"odd": 1, **({f"beyond {wanted} frames of a video": there - len(kept)} if there > len(kept) else {})}


def test_each_video_has_its_own_frames() -> None:
    """Pictures that are of no video stay."""
    of = with_frames(Found((*frames("one", 10), *frames("two", 3), *frames("", 5))), 2)

    assert [one.path.as_posix() for one in of.pictures] == [
        *("one/0.png", "one/5.png", "two/0.png", "two/1.png"),
        *(f"photographs/{number}.png" for number in range(5)),
    ]


def test_one_compression_is_taken() -> None:
    found = Found((*frames("one", 2, "c23"), *frames("two", 3, "c40"), *frames("three", 1)))

    of = with_compression(found, "c40")

    assert {one.video for one in of.pictures} == {"two"}
    assert of.left_out == {"of another compression": 3}
    with pytest.raises(ImportFailed, match="no videos of compression 'raw': it has c23, c40"):
        with_compression(found, "raw")
    with pytest.raises(ImportFailed, match="its folders or lists name none"):
        with_compression(Found(tuple(frames("one", 2))), "c23")


def test_a_set_without_videos_has_no_frames_to_count() -> None:
    photographs = Found(tuple(frames("", 3)))

    with pytest.raises(ImportFailed, match="--group-by video"):
        with_frames(photographs, 2)
    assert len(with_frames(with_groups_as_videos(photographs), 2).pictures) == 2
