"""The data sets of DeepfakeBench's protocol, as manifests."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from files.deepfakebench_trees import tree

from training.cli.protocol_sets import present, write_manifests
from training.config.protocols.reader import ProtocolError, protocol_named
from training.data.manifest import read_manifest


def test_trained_on_one_tested_on_the_test_splits_of_others(tmp_path: Path) -> None:
    tree(tmp_path)
    protocol = replace(present(protocol_named("deepfakebench"), tmp_path, skip_missing=True), frames=2)
    assert [each.source for each in protocol.test] == ["Celeb-DF-v2", "FaceShifter", "UADFV"]

    train, tests = write_manifests(protocol, tmp_path, tmp_path / "manifests")

    rows = read_manifest(train).rows
    assert Counter(row.split for row in rows) == {"train": 16, "val": 8, "test": 16}  # 2 frames of 8, 4 and 8 videos
    assert {row.generator for row in rows if row.label} == {"FF-DF", "FF-F2F"}
    assert not any("c40" in str(row.path) for row in rows)
    found = [read_manifest(path).rows for path in tests]
    assert [{row.split for row in rows} for rows in found] == [{"test"}] * 3
    assert [Counter(row.label for row in rows) for rows in found] == [{0: 4, 1: 4}, {0: 8, 1: 4}, {0: 4, 1: 4}]
    assert not any("id2" in row.video for row in found[0])  # listed to train with only


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    tree(tmp_path)
    protocol = protocol_named("deepfakebench")
    with pytest.raises(ProtocolError, match=r"Celeb-DF-v1 .*DFDC.*--skip-missing"):
        present(protocol, tmp_path, skip_missing=False)
    (tmp_path / "dataset_json" / "FaceForensics++.json").unlink()
    with pytest.raises(ProtocolError, match=r"FaceForensics\+\+ .*--root$"):
        present(protocol, tmp_path, skip_missing=True)
