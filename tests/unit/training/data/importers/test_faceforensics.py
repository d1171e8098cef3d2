"""Importers of sets that were cut out of videos: FaceForensics++, Celeb-DF, DeepfakeBench's lists."""

import json
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.data.importers.found import ImportFailed
from training.data.importers.people import groups_of

from .video_trees import FAKE, ORIGINAL, found, imported, planted, splits_by_video


def test_faceforensics_rows(tmp_path: Path) -> None:
    """Faceforensics labels methods and kinds of frames."""
    root = planted(
        tmp_path,
        f"{ORIGINAL}/000/0000.png",
        f"{FAKE}/000_003/0000.png",
        "manipulated_sequences/NeuralTextures/raw/images/000_003/0000.png",
        "manipulated_sequences/Face2Face/c40/faces/003_000/0000.png",
        "manipulated_sequences/Deepfakes/c23/masks/000_003/0000.png",
        "original_sequences/actors/c23/frames/01__kitchen_pan/0000.png",
        "manipulated_sequences/DeepFakeDetection/c23/frames/01_02__kitchen_pan__YVGY8LOK/0000.png",
    )

    of = found("faceforensics", root)

    assert {(one.generator, one.label, one.family) for one in of.pictures if one.label} == {
        ("Deepfakes", 1, "faceswap_video"),
        ("NeuralTextures", 1, "reenactment_video"),
        ("Face2Face", 1, "reenactment_video"),
        ("DeepFakeDetection", 1, "faceswap_video"),
    }
    assert {one.path.parent.name for one in of.pictures if not one.label} == {"000", "01__kitchen_pan"}
    assert dict(of.left_out) == {"in other folders (masks, ...)": 1}
    assert {one.path.parent.name: one.group for one in of.pictures} == {
        "000": "000",
        "000_003": "000",
        "003_000": "000",
        "01__kitchen_pan": "actor01",
        "01_02__kitchen_pan__YVGY8LOK": "actor01",
    }


def test_videos_and_compressions_are_named(tmp_path: Path) -> None:
    """A group is of linked people, and holds several videos; the same video compressed twice is two."""
    root = planted(tmp_path / "ff", f"{FAKE}/000_003/0.png", f"{FAKE}/000_003/1.png", f"{ORIGINAL}/000/0.png")
    planted(root, f"{FAKE.replace('c23', 'c40')}/000_003/0.png")

    of = found("faceforensics", root)

    assert sorted((one.video, one.compression, one.group) for one in of.pictures) == [
        ("Deepfakes/c23/000_003", "c23", "000"),
        ("Deepfakes/c23/000_003", "c23", "000"),
        ("Deepfakes/c40/000_003", "c40", "000"),
        ("youtube/c23/000", "c23", "000"),
    ]
    celeb = found("celeb-df", planted(tmp_path / "cd", "Celeb-real/id0_0001/0.png", "Celeb-synthesis/id0_id1_0001/0.png"))
    assert {(one.video, one.group) for one in celeb.pictures} == {
        ("celeb-real/id0_0001", "id0"),
        ("celeb-synthesis/id0_id1_0001", "id0"),
    }


def test_group_is_everybody_linked(tmp_path: Path) -> None:
    """The group is everybody linked by manipulated videos."""
    root = planted(tmp_path, *(f"{FAKE}/{video}/0.png" for video in ("007_003", "003_001", "100_200")), f"{ORIGINAL}/001/0.png")

    assert {one.path.parent.name: one.group for one in found("faceforensics", root).pictures} == {
        "007_003": "001",
        "003_001": "001",
        "001": "001",
        "100_200": "100",
    }


@pytest.mark.parametrize("folder", ["", "splits", "dataset/splits"])
def test_the_official_splits_of_faceforensics(tmp_path: Path, folder: str) -> None:
    root = planted(tmp_path, *(f"{FAKE}/{video}/0.png" for video in ("720_672", "672_720", "071_054", "953_974")))
    planted(root, f"{ORIGINAL}/672/0.png", f"{ORIGINAL}/054/0.png")
    (root / folder).mkdir(parents=True, exist_ok=True)
    for split, pair in (("train", ["071", "054"]), ("val", ["720", "672"]), ("test", ["953", "974"])):
        (root / folder / f"{split}.json").write_text(json.dumps([pair]))

    assert splits_by_video(imported("faceforensics", root)) == {
        "720_672": "val",
        "672_720": "val",
        "672": "val",
        "071_054": "train",
        "054": "train",
        "953_974": "test",
    }


def test_a_broken_list_of_splits_is_named(tmp_path: Path) -> None:
    root = planted(tmp_path, f"{FAKE}/000_003/0.png")
    (root / "val.json").write_text('["000"]')

    with pytest.raises(ImportFailed, match=r"val\.json: no list of pairs"):
        found("faceforensics", root)


def test_videos_that_were_not_cut_are_told(tmp_path: Path) -> None:
    videos = tmp_path / "original_sequences" / "youtube" / "c23" / "videos"
    videos.mkdir(parents=True)
    (videos / "000.mp4").touch()
    (videos / "001.mp4").touch()

    with pytest.raises(ImportFailed, match=r"only 2 videos\. Cut them into frames first"):
        found("faceforensics", tmp_path)
    planted(tmp_path, "000/0.png")
    with pytest.raises(ImportFailed, match="no frames in original_sequences/METHOD"):
        found("faceforensics", tmp_path)


@settings(max_examples=30, deadline=None)
@given(
    pairs=st.lists(st.tuples(st.integers(0, 25), st.integers(0, 25)), min_size=1, max_size=12), in_val=st.sets(st.integers(0, 25))
)
def test_no_person_in_two_splits(
    tmp_path_factory: pytest.TempPathFactory, pairs: list[tuple[int, int]], in_val: set[int]
) -> None:
    """No person of faceforensics is ever in two splits."""
    root = tmp_path_factory.mktemp("ff")
    planted(root, *(f"{FAKE}/{one:03}_{other:03}/0.png" for one, other in pairs))
    planted(root, *(f"{ORIGINAL}/{one:03}/0.png" for pair in pairs for one in pair))
    # Lists that disagree with each other and with the videos, as lists of another release would.
    (root / "val.json").write_text(json.dumps([[f"{one:03}", f"{one:03}"] for one in in_val]))
    (root / "train.json").write_text(json.dumps([[f"{one:03}", f"{other:03}"] for one, other in pairs if one not in in_val]))

    of = imported("faceforensics", root)

    where: defaultdict[str, set[str]] = defaultdict(set)
    for row in of.rows:
        for person in row.path.parent.name.split("_"):
            where[person].add(row.split)
    assert all(len(splits) == 1 for splits in where.values())
    there = sum(1 for _ in root.rglob("*.png"))
    assert len(of.rows) + sum(of.left_out.values()) == there


@given(st.lists(st.lists(st.text(min_size=1), min_size=1, max_size=3), max_size=15))
def test_linked_people_share_a_group_and_others_do_not(videos: list[list[str]]) -> None:
    groups = groups_of(videos)

    linked = {person: {person} for people in videos for person in people}
    for people in videos:  # naive: merge sets
        merged = set[str]().union(*(linked[person] for person in people))
        for person in merged:
            linked[person] = merged
    assert {person: min(together) for person, together in linked.items()} == groups
