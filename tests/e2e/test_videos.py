"""`--videos` as a user has it."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from files.videos import write_sound, write_video
from PIL import Image

from scanner.base.settings import Settings, SettingsError, load_settings
from scanner.discovery.walk import Found, Skipped, look_at
from scanner.domain.claims import Claimed
from scanner.domain.outcomes import Changed, Failed, Unreachable, Vanished
from scanner.media.video_reader import NoVideoReader, demand_video_reader
from worker.decoding.video_frames import Video
from worker.pipeline.read import changed_since, read_video
from worker.pipeline.types import Item

HERE = Path(__file__).resolve().parents[2]
VERDICT = (0, 1)


def clip(path: Path) -> Path:
    """Three seconds: a cat, then a cup of coffee, then black."""
    names = ("real-cat.jpg", "real-coffee.jpg")
    shots = [Image.open(HERE / "samples" / name).convert("RGB").resize((320, 240)) for name in names]
    return write_video(path, [shot for shot in (*shots, Image.new("RGB", (320, 240))) for _ in range(10)])


@pytest.fixture
def folder(tmp_path: Path, make_picture: Callable[..., Path]) -> Path:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    make_picture(pictures / "picture.png")
    clip(pictures / "clip.mp4")
    (pictures / "copy without suffix").write_bytes((pictures / "clip.mp4").read_bytes())
    write_sound(pictures / "song.mka")
    (pictures / "broken.mp4").write_bytes((pictures / "clip.mp4").read_bytes()[:500])
    return pictures


def test_videos_get_one_verdict(laptop, folder: Path) -> None:
    """Videos get one verdict each where they are asked for."""
    laptop.run("scan", folder, exit_status=VERDICT)
    assert set(laptop.statuses()) == {"picture.png"}

    laptop.run("scan", "--videos", folder, exit_status=2)

    items = {Path(item["path"]).name: item for item in laptop.report()["items"]}
    assert set(items) == {"picture.png", "clip.mp4", "copy without suffix", "broken.mp4"}
    assert items["broken.mp4"]["state"] == "failed"
    assert items["clip.mp4"]["score"] == items["copy without suffix"]["score"]
    frames = items["clip.mp4"]["frames"]
    assert len(frames) == 4  # the top quarter of 16
    assert items["clip.mp4"]["score"] == pytest.approx(sum(frame["score"] for frame in frames) / 4)
    assert {round(frame["seconds"] * 10) for frame in frames} == {frame["frame"] for frame in frames}
    assert items["picture.png"]["frames"] is None

    laptop.environment["DFSCAN_VIDEOS"] = "1"
    assert "4 images on the disk" in laptop.run("verify", folder).stdout


def test_video_in_watched_folder(laptop, tmp_path: Path, wait_until) -> None:
    """A video that comes into a watched folder is found."""
    watched = tmp_path / "watched"
    watched.mkdir()
    clip(watched / "before.mp4")
    laptop.run("db", "upgrade")  # makes the tables that are asked below
    laptop.start("watch", "--videos", "--no-worker", watched)
    wait_until(lambda: laptop.states() == {"before.mp4": "pending"}, 120, "the video that was there")
    clip(watched / "after.mkv")
    wait_until(lambda: laptop.states().keys() == {"before.mp4", "after.mkv"}, 120, "the video that came")


@pytest.fixture
def known(tmp_path: Path) -> tuple[Claimed, Path]:
    path = clip(tmp_path / "clip.mp4")
    status = path.stat()
    return Claimed(1, str(path), status.st_size, status.st_mtime_ns), path


def test_a_video_is_hashed_and_not_kept_in_memory(known: tuple[Claimed, Path]) -> None:
    file, path = known
    read = read_video(file, 10**9)
    assert isinstance(read, Item)
    assert read.source == Video(str(path), "MP4", file.size, file.mtime_ns)
    assert (read.bytes_read, read.facts.size) == (0, file.size)
    assert changed_since(file, read.source) is None


def test_changed_video(known: tuple[Claimed, Path], tmp_path: Path) -> None:
    """A video that changes is not judged by what it was."""
    file, path = known
    read = read_video(file, 10**9)
    assert isinstance(read, Item)
    assert isinstance(read.source, Video)
    os.utime(path, ns=(1, file.mtime_ns + 1))
    assert changed_since(file, read.source) == Changed(file, file.size, file.mtime_ns + 1)
    assert isinstance(read_video(file, 10**9), Changed)
    path.unlink()
    assert isinstance(changed_since(file, read.source), Vanished)
    assert isinstance(changed_since(file, read.source, str(tmp_path / "not mounted")), Unreachable)
    assert isinstance(read_video(file, 10**9), Vanished)


def test_a_video_over_its_own_limit_says_which(known: tuple[Claimed, Path]) -> None:
    outcome = read_video(known[0], 100)
    assert isinstance(outcome, Failed)
    assert "max_video_megabytes" in outcome.reason


def test_links_to_videos_count_as_those_to_images_do(known: tuple[Claimed, Path], tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(known[1])
    assert isinstance(look_at(str(link), root=str(tmp_path), videos=True), Found)
    assert look_at(str(link), root=str(tmp_path)) is None
    known[1].unlink()
    (tmp_path / "dead.mp4").symlink_to(known[1])
    assert isinstance(look_at(str(tmp_path / "dead.mp4"), root=str(tmp_path), videos=True), Skipped)


def test_without_the_package_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scanner.media.video_reader.find_spec", lambda _name: None)
    demand_video_reader(Settings(tmp_path))
    with pytest.raises(NoVideoReader, match=r"dfscan\[video\]"):
        demand_video_reader(Settings(tmp_path, videos=True))


@pytest.mark.parametrize(("written", "meant"), [("1", True), ("Yes", True), ("on", True), ("false", False), ("0", False)])
def test_a_switch_is_set_by_words_people_use(tmp_path: Path, written: str, meant: bool) -> None:
    config = tmp_path / "config.toml"
    assert load_settings({}, {"DFSCAN_VIDEOS": written}, config).videos is meant
    config.write_text(f"videos = {str(meant).lower()}\n")
    assert load_settings({}, {}, config).videos is meant
    config.write_text('videos = "perhaps"\n')
    with pytest.raises(SettingsError, match="videos = 'perhaps'"):
        load_settings({}, {}, config)
