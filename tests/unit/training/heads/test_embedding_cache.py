"""Embeddings are computed once: after a kill, too, and the same ones."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from filelock import FileLock

from training.config.heads_plan import Draws, HeadsPlan
from training.config.recipes.reader import HeadsRecipe
from training.data.manifest import Row
from training.heads import embedding_cache
from training.heads.embedding_cache import CacheUnusable, embedded
from training.heads.views import chosen_rows, planned, views_of
from worker.detector.checkpoints.card import Calibration, CheckpointCard
from worker.detector.inference.device import ChosenDevice
from worker.detector.inference.predictor import Predictor
from worker.detector.model.assembly import build_detector
from worker.detector.weights.public_weights import BackboneFiles

CPU = ChosenDevice("cpu", "for a test")


@pytest.fixture
def predictor(recipe: HeadsRecipe, files: BackboneFiles) -> Predictor:
    torch.manual_seed(3)
    network = recipe.network
    return Predictor(build_detector(network, files), CheckpointCard("x", network, Calibration(), 0.5, 0.5, ""), CPU, 16)


class Stopped(Exception):
    """Stands for a kill."""


def test_it_goes_on_where_it_was_stopped_and_computes_nothing_twice(
    predictor: Predictor, plan: HeadsPlan, rows: Sequence[Row], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = embedded(predictor, plan, rows, tmp_path / "whole", processes=0, say=lambda _: None)
    monkeypatch.setattr(embedding_cache, "_SAVED_EVERY", -1.0)
    computed = []
    inner = embedding_cache._embeddings

    def counted(*args: object) -> object:
        computed.append(len(args[1]))
        if len(computed) == 5:
            raise Stopped
        return inner(*args)

    monkeypatch.setattr(embedding_cache, "_embeddings", counted)
    with pytest.raises(Stopped):
        embedded(predictor, plan, rows, tmp_path / "cut", processes=0, say=lambda _: None)
    # A batch that was not counted as done may be there in part.
    with (tmp_path / "cut" / "embeddings.f16").open("ab") as opened:
        opened.write(b"half a batch")
    with (tmp_path / "cut" / "views.jsonl").open("a") as opened:
        opened.write('[["whole", 0')
    resumed = embedded(predictor, plan, rows, tmp_path / "cut", processes=0, say=lambda _: None)

    assert sum(computed) - computed[4] == len(whole.views)
    assert resumed.views == whole.views
    assert np.array_equal(resumed.embeddings_VD, whole.embeddings_VD)
    assert np.array_equal(resumed.row_V, whole.row_V)


SCRIPT = """
import sys
import time
from pathlib import Path
from training.heads import embedding_cache
embedding_cache._SAVED_EVERY = -1.0
write = embedding_cache._write_done
def slow(folder, done):
    write(folder, done)
    print("done", done, flush=True)
    if done >= 16:
        time.sleep(float(sys.argv[3]))
embedding_cache._write_done = slow
embedding_cache._embeddings = lambda predictor, images: images[:, 0, 0].astype("float16")
from training.config.heads_plan import HeadsPlan
from training.data.manifest import read_manifest
class Network:
    class detector:
        parts = {"one": type("B", (), {"width": 3})}
    class card:
        class recipe:
            class preprocessing:
                size = 32
rows = read_manifest(Path(sys.argv[1])).rows
found = embedding_cache.embedded(Network, HeadsPlan(("crops",)), rows, Path(sys.argv[2]), processes=0,
    say=lambda line: print(line, flush=True))
print("views", len(found.views), int(found.embeddings_VD.astype(int).sum()))
"""


@pytest.mark.slow
def test_it_survives_kill_9(rows: Sequence[Row], tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.csv"
    crops = [row for row in rows if row.source == "crops"] * 6
    lines = []
    for number, row in enumerate(crops):
        copied = shutil.copy(row.path, tmp_path / f"{number}.png")
        lines.append(f"{copied},{'fake' if row.label else 'real'},crops,,,{number},train")
    manifest.write_text("\n".join(["path,label,source,family,generator,group,split", *lines]) + "\n")
    command = [sys.executable, "-c", SCRIPT, manifest]
    whole = subprocess.run([*command, tmp_path / "whole", "0"], capture_output=True, text=True, check=True)
    expected = whole.stdout.splitlines()[-1]

    with subprocess.Popen([*command, tmp_path / "killed", "600"], stdout=subprocess.PIPE, text=True) as started:
        assert started.stdout is not None
        for line in started.stdout:
            if line.startswith("done") and int(line.split()[1]) >= 16:
                started.send_signal(signal.SIGKILL)
                break
    again = subprocess.run([*command, tmp_path / "killed", "0"], capture_output=True, text=True, check=True).stdout

    assert any("pictures are done" in line for line in again.splitlines())
    assert again.splitlines()[-1] == expected
    assert expected.startswith("views 72 ")


def test_a_full_disk_is_refused_in_one_line_before_anything_is_computed(
    predictor: Predictor, plan: HeadsPlan, rows: Sequence[Row], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = embedding_cache.shutil.disk_usage(tmp_path)
    monkeypatch.setattr(embedding_cache.shutil, "disk_usage", lambda _: usage._replace(free=1000))
    monkeypatch.setattr(embedding_cache, "_embeddings", lambda *_: pytest.fail("computed"))

    with pytest.raises(CacheUnusable, match=r"embeddings need .* MB and .* has 0\.0 MB left: free some") as caught:
        embedded(predictor, plan, rows, tmp_path / "cache", processes=0, say=lambda _: None)

    assert "\n" not in str(caught.value)


def test_two_runs_do_not_fill_it_at_once(predictor: Predictor, plan: HeadsPlan, rows: Sequence[Row], tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    with FileLock(tmp_path / "cache" / "lock"), pytest.raises(CacheUnusable, match="another run fills"):
        embedded(predictor, plan, rows, tmp_path / "cache", processes=0, say=lambda _: None)


def test_views_are_the_same_each_time_and_as_planned(plan: HeadsPlan, rows: Sequence[Row]) -> None:
    several = replace(plan, draws=Draws(whole=2, largest=2))
    kinds = set()
    for row in rows[::5]:
        views, images = views_of(row, several, 32)
        again, same = views_of(row, several, 32)
        other = views_of(row, replace(several, seed=1), 32)[1]

        assert views == again == planned(row, several, 32)
        assert all(np.array_equal(one, two) for one, two in zip(images, same, strict=True))
        assert all(image.shape == (32, 32, 3) for image in images)
        drawn = [number for number, view in enumerate(views) if view.draw]
        assert bool(drawn) == (row.split == "train")
        assert all(not np.array_equal(images[number], other[number]) for number in drawn)
        kinds.update((view.kind, view.draw > 0) for view in views)
    assert {("crop", True), ("crop", False), ("whole", True), ("whole", False), ("face", True), ("face", False)} <= kinds


def test_face_sets_are_thinned_and_the_rest_is_kept(plan: HeadsPlan, rows: Sequence[Row]) -> None:
    few = chosen_rows(rows, replace(plan, most=2))

    assert [row.source for row in few].count("crops") == 8  # of each label of each split
    assert len([row for row in few if row.source != "crops"]) == len([row for row in rows if row.source != "crops"])
    assert few == chosen_rows(rows, replace(plan, most=2))
    assert not chosen_rows([replace(row, split="test") for row in rows], plan)
