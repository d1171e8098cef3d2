from pathlib import Path

import pytest

from training.data.importers.found import ImportFailed
from training.data.importers.splits import Shares

from .video_trees import found, imported, planted, splits_by_video


def celeb_df(root: Path) -> Path:
    return planted(
        root,
        "Celeb-real/frames/id0_0000/000.png",
        "Celeb-real/frames/id1_0001/000.png",
        "Celeb-synthesis/frames/id0_id1_0000/000.png",
        "Celeb-synthesis/frames/id7_id8_0002/000.png",
        "YouTube-real/frames/00170/000.png",
        "YouTube-real/00171/000.png",
    )


def test_celeb_df_by_people(tmp_path: Path) -> None:
    of = found("celeb-df", celeb_df(tmp_path))

    assert {one.path.parent.name: (one.label, one.group, one.split) for one in of.pictures} == {
        "id0_0000": (0, "id0", None),
        "id1_0001": (0, "id0", None),
        "id0_id1_0000": (1, "id0", None),
        "id7_id8_0002": (1, "id7", None),
        "00170": (0, "00170", None),
        "00171": (0, "00171", None),
    }


def test_celeb_df_test_list_wins(tmp_path: Path) -> None:
    # The list writes 1 for real and 0 for fake: labels must come from the folders.
    """The official test list of celeb df wins over training."""
    root = celeb_df(tmp_path)
    (root / "List_of_testing_videos.txt").write_text("1 YouTube-real/00170.mp4\n0 Celeb-synthesis/id0_id1_0000.mp4\n\n")

    of = imported("celeb-df", root, shares=Shares(val=0))

    assert splits_by_video(of) == {"id0_id1_0000": "test", "00170": "test", "id7_id8_0002": "train", "00171": "train"}
    assert {row.path.parent.name: row.label for row in of.rows}["id0_id1_0000"] == 1
    # id0 and id1 are seen in the test video: their other videos may not be trained on.
    assert list(of.left_out.values()) == [2]
    assert len(imported("celeb-df", root, official=False).rows) == 6


def test_a_test_list_of_another_version_is_refused(tmp_path: Path) -> None:
    root = celeb_df(tmp_path)
    (root / "List_of_testing_videos.txt").write_text("1 Celeb-real/id55_0000.mp4\n")

    with pytest.raises(ImportFailed, match="names none of the videos"):
        found("celeb-df", root)


def test_another_layout_than_celeb_dfs_is_named(tmp_path: Path) -> None:
    root = planted(celeb_df(tmp_path), "Celeb-real/frames/loose.png")

    with pytest.raises(ImportFailed, match="Celeb-real/frames: Celeb-DF's pictures lie in"):
        found("celeb-df", root)
