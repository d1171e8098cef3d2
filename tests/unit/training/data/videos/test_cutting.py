"""Videos as folders of frames."""

from pathlib import Path

import numpy as np
import pytest
from files.videos import write_sound, write_video
from PIL import Image

from training.data.importers.faceforensics import find
from training.data.importers.found import ImportFailed
from training.data.videos.cutting import cut_videos


def video(path: Path, count: int) -> None:
    """Each frame a little brighter than the one before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_video(path, [Image.new("RGB", (64, 48), (10 * number,) * 3) for number in range(count)])


def brightness(path: Path) -> float:
    return float(np.asarray(Image.open(path)).mean())


def test_videos_become_the_tree_that_is_imported(tmp_path: Path) -> None:
    root, out = tmp_path / "ff", tmp_path / "cut"
    video(root / "original_sequences/youtube/c23/videos/000.mp4", 20)
    video(root / "manipulated_sequences/Deepfakes/c23/videos/000_001.mp4", 3)
    (root / "test.json").write_text('[["000", "001"]]')
    (root / "original_sequences/youtube/c23/videos/broken.mp4").write_bytes(b"\0\0\0\x18ftypmp42" + b"\0" * 64)
    write_sound(root / "manipulated_sequences/Deepfakes/c23/videos/002_003.mp4")
    told: list[tuple[int, int]] = []

    cut = cut_videos(root, out, 4, processes=0, progress=lambda done, of: told.append((done, of)))

    assert cut.videos == 2
    assert sorted(Path(name).name for name in cut.left_out) == ["002_003.mp4", "broken.mp4"]
    (root / "words.mp4").write_bytes(b"no video")
    words = cut_videos(root, out, 4, processes=0, progress=lambda *_: None).left_out[str(root / "words.mp4")]
    assert words == "its first bytes are of none of MP4, MKV, AVI"
    assert "only sound" in next(reason for name, reason in cut.left_out.items() if "002_003" in name)
    assert told[-1] == (4, 4)
    kept = sorted((out / "original_sequences/youtube/c23/frames/000").iterdir())
    assert [path.name for path in kept] == ["000000.png", "000005.png", "000010.png", "000015.png"]
    assert [brightness(path) for path in kept] == [pytest.approx(value, abs=6) for value in (0, 50, 100, 150)]
    found = find(out)  # all that was cut, with the set's own splits
    assert len(found.pictures) == 7
    assert {picture.split for picture in found.pictures} == {"test"}
    assert not list(out.rglob("*.partial"))

    kept[0].unlink()
    cut_videos(root, out, 4, processes=0, progress=lambda *_: None)
    assert not kept[0].exists()  # what is there is not cut again


def test_what_cannot_be_cut_is_said(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ImportFailed, match="holds no videos"):
        cut_videos(tmp_path / "empty", tmp_path / "out", 4, processes=0, progress=lambda *_: None)
    for name in ("a.mp4", "a.mkv"):
        video(tmp_path / "twice" / name, 1)
    with pytest.raises(ImportFailed, match="two videos have this name"):
        cut_videos(tmp_path / "twice", tmp_path / "out", 4, processes=0, progress=lambda *_: None)
