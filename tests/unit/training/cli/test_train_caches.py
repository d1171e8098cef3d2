"""Folders of caches that cannot be used are refused before any data is read."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from scanner.base.settings import load_settings
from training.cli.train import train
from training.data.cache_files import CacheUnusable


@pytest.mark.parametrize("option", ["--decoded-cache", "--cache"])
def test_a_cache_that_cannot_be_written_is_refused_before_data_is_read(tmp_path: Path, option: str) -> None:
    """It was found after the check for leaks, which reads all pictures; here the manifest is not even there."""
    settings = load_settings({"data_dir": str(tmp_path / "data")}, {}, tmp_path / "config.toml")
    (tmp_path / "file").touch()

    words = ["--recipe", "lite", "--data", str(tmp_path / "none.csv"), "--out", str(tmp_path / "run")]
    done = CliRunner().invoke(train, [*words, option, str(tmp_path / "file")], obj=settings)

    assert isinstance(done.exception, CacheUnusable)
    assert "file cannot be written" in str(done.exception)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--decoded-limit", "1"], "which is not given"),
        (["--recipe", "fusion", "--from", "lite", "--decoded-cache", "x"], "heads see each view once"),
    ],
)
def test_options_that_do_not_go_together_are_refused(tmp_path: Path, words: list[str], said: str) -> None:
    settings = load_settings({"data_dir": str(tmp_path / "data")}, {}, tmp_path / "config.toml")

    done = CliRunner().invoke(train, ["--data", str(tmp_path / "none.csv"), *words], obj=settings)

    assert done.exit_code == 2
    assert said in done.output
