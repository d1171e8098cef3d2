"""Which frames of a video are looked at, and how their scores become one."""

import math
import os
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from files.videos import CODECS, turn, write_sound, write_video
from PIL import Image

from scanner.domain.prediction import Face, Frame
from scanner.media.formats import announced_container, has_video_suffix, image_format, is_announced, is_promised, video_container
from worker.decoding.decoder_pool import DecoderPool
from worker.decoding.inputs import Input, Ready
from worker.decoding.limits import Limits
from worker.decoding.video_frames import Look, Video, chosen, sampled_frames
from worker.detector.checkpoints.card import Calibration, CheckpointCard
from worker.detector.image.picture import Decoded, PictureError
from worker.detector.image.preprocess import Preprocessing
from worker.detector.inference.picture_score import InputAnswer, score_picture
from worker.detector.model.recipes import Recipe

COLOURS = ("red", "lime", "blue", "white", "black")
SHOWN = {"red": (255, 0, 0), "lime": (0, 255, 0), "blue": (0, 0, 255), "white": (255, 255, 255), "black": (0, 0, 0)}


def scenes(seconds: int = 2) -> list[Image.Image]:
    return [Image.new("RGB", (64, 48), colour) for colour in COLOURS for _ in range(10 * seconds)]


def video(path: Path) -> Video:
    status = os.stat(path)
    container = announced_container(str(path))
    assert container is not None
    return Video(str(path), container, status.st_size, status.st_mtime_ns)


def sampled(path: Path, count: int = 8) -> list[Decoded]:
    return list(sampled_frames(video(path), count=count, max_pixels=10**6))


def colour(frame: Decoded) -> str:
    pixel = frame.picture.getpixel((20, 20))
    return min(SHOWN, key=lambda name: sum(abs(a - b) for a, b in zip(SHOWN[name], pixel, strict=True)))


@pytest.mark.parametrize("suffix", CODECS)
def test_scene_changes_come_first(tmp_path: Path, suffix: str) -> None:
    """Scene changes come first then the rest is spread evenly."""
    path = write_video(tmp_path / f"clip{suffix}", scenes())
    few = sampled(path, 5)
    assert [colour(frame) for frame in few] == list(COLOURS)
    assert [(frame.frame, frame.seconds) for frame in few] == [(20 * number, 2.0 * number) for number in range(5)]
    more = [frame.frame for frame in sampled(path, 16)]
    assert len(more) == 16
    assert {0, 20, 40, 60, 80} < set(more)
    assert max(later - earlier for earlier, later in pairwise(more)) <= 10


def test_a_short_clip_gives_what_it_has(tmp_path: Path) -> None:
    path = write_video(tmp_path / "short.mp4", scenes()[:3])
    assert [frame.frame for frame in sampled(path, 16)] == [0, 1, 2]


def test_a_long_clip_is_looked_through_at_its_key_frames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_video(tmp_path / "long.mp4", scenes(4), g="10")
    monkeypatch.setattr("worker.decoding.video_frames.THROUGH_PIXELS", 64 * 48 * 50)
    found = sampled(path, 5)
    assert [colour(frame) for frame in found] == list(COLOURS)
    assert [frame.frame for frame in found] == [0, 40, 80, 120, 160]


def test_a_link_that_took_the_place_of_a_clip_after_it_was_hashed_is_not_shown(tmp_path: Path) -> None:
    """To another one of the same size and date."""
    path, secret = write_video(tmp_path / "clip.mp4", scenes()), tmp_path / "secret.mp4"
    secret.write_bytes(path.read_bytes())
    status = path.stat()
    os.utime(secret, ns=(status.st_atime_ns, status.st_mtime_ns))
    found = replace(video(path), inode=status.st_ino)
    assert list(sampled_frames(found, count=2, max_pixels=10**6))
    path.unlink()
    path.symlink_to(secret)

    with pytest.raises(PictureError, match="changed meanwhile"):
        list(sampled_frames(found, count=2, max_pixels=10**6))


def test_a_clip_is_turned_as_it_says(tmp_path: Path) -> None:
    left_red = Image.new("RGB", (64, 48), "blue")
    left_red.paste("red", (0, 0, 32, 48))
    path = turn(write_video(tmp_path / "turned.mp4", [left_red] * 5))
    picture = sampled(path, 1)[0].picture
    assert picture.size == (48, 64)
    assert picture.getpixel((24, 5))[0] > 200  # what was at the left is on top
    assert picture.getpixel((24, 58))[2] > 200


def test_too_many_scenes_are_thinned_out_evenly() -> None:
    looks = [Look(number, number, number / 25, 99.0) for number in range(100)]
    assert [look.frame for look in chosen(looks, 4)] == [0, 25, 50, 75]


@pytest.mark.parametrize("broken", ["cut", "garbage", "sound"])
def test_what_is_no_readable_video_has_a_reason(tmp_path: Path, broken: str) -> None:
    path = write_video(tmp_path / "clip.mp4", scenes())
    if broken == "cut":
        path.write_bytes(path.read_bytes()[:200])
    elif broken == "garbage":
        path.write_bytes(path.read_bytes()[:16] + os.urandom(5000))
    else:
        path = write_sound(tmp_path / "sound.mkv")
    with pytest.raises(PictureError, match=r"cannot be decoded|only sound|no frame"):
        sampled(path)


def test_a_clip_cut_off_is_judged_by_what_is_there(tmp_path: Path) -> None:
    path = write_video(tmp_path / "clip.mkv", scenes())
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    assert colour(sampled(path)[0]) == "red"


def test_limits_of_a_video(tmp_path: Path) -> None:
    path = write_video(tmp_path / "clip.mp4", scenes())
    with pytest.raises(PictureError, match="64 x 48"):
        list(sampled_frames(video(path), count=4, max_pixels=64 * 48 - 1))
    # The pool looks at its clock a few times a second: a clip that takes longer than that to decode.
    long = write_video(tmp_path / "long.mp4", scenes() * 100)
    with DecoderPool(1, Limits(10**6, 60, 3072, video_seconds=0.01)) as decoders:
        decoders.warm_up()
        outcome = decoders.begin(video(long), 32).result()
        assert isinstance(outcome, PictureError)
        assert "0.01 s" in str(outcome)
        assert "video_seconds" in str(outcome)


def test_a_video_that_changed_meanwhile_is_not_decoded(tmp_path: Path) -> None:
    known = video(write_video(tmp_path / "clip.mp4", scenes()))
    os.utime(known.path, ns=(1, known.mtime_ns + 1))
    with pytest.raises(PictureError, match="changed"):
        list(sampled_frames(known, count=4, max_pixels=10**6))


def test_without_the_package_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_video(tmp_path / "clip.mp4", scenes()[:2])
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(PictureError, match=r"dfscan\[video\]"):
        sampled(path)


def test_a_decoder_process_opens_the_video_itself(tmp_path: Path) -> None:
    path = write_video(tmp_path / "clip.mp4", scenes())
    with DecoderPool(1, Limits(10**6, 60, 3072, video_frames=5)) as decoders:
        ready = decoders.begin(video(path), 32).result()
    assert isinstance(ready, Ready)
    assert ready.is_video
    assert (ready.format, ready.width, ready.height) == ("MP4", 64, 48)
    assert [(item.frame, item.seconds, item.image_HWC.shape) for item in ready.inputs] == [
        (20 * number, 2.0 * number, (32, 32, 3)) for number in range(5)
    ]


def seen(frame: int, face: bool = False) -> Input:
    found = Face((0, 0, 9, 9), 0.9, frame=frame) if face else None
    return Input(np.zeros((1, 1, 3), np.uint8), (0, 0, 1, 1), found, frame=frame, seconds=frame / 10)


def scored(inputs: list[Input], scores: list[float]) -> tuple[float, list[Frame]]:
    """The score of a video whose inputs have these scores from a network with one head; and the frames that made it."""
    recipe = Recipe("one head", ("resnet101",), (), 0.0, Preprocessing(1, (0.5,) * 3, (0.5,) * 3))
    card = CheckpointCard("one head", recipe, Calibration(), 0.5, 0.5, "")
    answers = [InputAnswer(math.log(score / (1 - score))) for score in scores]
    found = score_picture(card, inputs, answers, is_video=True)
    assert found.frames is not None
    return found.score, [replace(frame, score=round(frame.score, 9)) for frame in found.frames]


def test_the_score_is_the_mean_of_the_top_quarter() -> None:
    inputs = [seen(number) for number in range(8)]
    score, frames = scored(inputs, [0.1, 0.2, 0.9, 0.1, 0.7, 0.1, 0.1, 0.1])
    assert score == pytest.approx(0.8)
    assert frames == [Frame(2, 0.2, 0.9), Frame(4, 0.4, 0.7)]
    score, frames = scored(inputs[:1], [0.3])
    assert (score, frames) == (pytest.approx(0.3), [Frame(0, 0.0, 0.3)])


def test_frame_counts_by_highest_face() -> None:
    """A frame counts by its highest face and one without a face not at all."""
    inputs = [seen(0), seen(1, face=True), seen(1, face=True), seen(2, face=True)]
    score, frames = scored(inputs, [0.99, 0.2, 0.6, 0.1])
    assert (score, frames) == (pytest.approx(0.6), [Frame(1, 0.1, 0.6)])


@pytest.mark.parametrize("suffix", CODECS)
def test_containers_are_told_by_content(tmp_path: Path, suffix: str) -> None:
    path = write_video(tmp_path / f"clip{suffix}", scenes()[:2])
    assert image_format(path.read_bytes()[:32]) is None
    bare = str(path.rename(tmp_path / "no suffix"))
    assert not is_promised(bare, videos=True)
    assert is_announced(bare, videos=True)
    assert not is_announced(bare, videos=False)
    assert has_video_suffix(f"A{suffix.upper()}")
    assert not is_promised(f"a{suffix}", videos=False)


def test_sound_and_pictures_are_no_videos(tmp_path: Path) -> None:
    for head in (b"\0\0\0\x1cftypM4A \0\0", b"\0\0\0\x1cftypheic", b"\0\0\0\x1cftypcrx ", b"RIFF\0\0\0\0WAVE", b"", b"\x89PNG"):
        assert video_container(head.ljust(32, b"\0")) is None
    assert announced_container(str(write_sound(tmp_path / "song.mka"))) is None
