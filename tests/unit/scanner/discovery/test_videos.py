"""Counting videos that are not scanned."""

from pathlib import Path

from scanner.discovery.videos import count_videos


def test_names_of_videos_are_counted_once(tmp_path: Path) -> None:
    for name in ("a.mp4", "sub/b.MOV", "sub/deep/c.webm", "sub/d.jpg", ".hidden/e.mp4", "@eaDir/f.mp4", "g.mp4.txt", "sub/.mp4"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "again").symlink_to(tmp_path / "sub")
    whole, inner = str(tmp_path), str(tmp_path / "sub")
    assert count_videos([whole], ["@eaDir"]) == 3
    assert count_videos([whole, inner], ["@eaDir"]) == 3  # one lies in the other
    assert count_videos([inner], ()) == 2
    assert count_videos([str(tmp_path / "gone")], ()) == 0


def test_counting_can_be_ended(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"x")
    assert count_videos([str(tmp_path)], (), lambda: False) == 0
