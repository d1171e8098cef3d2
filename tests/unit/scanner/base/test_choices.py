from pathlib import Path

import pytest

from scanner.base.choices import ChoiceNotKept, choices_file, choose_model, choose_videos, chosen_model, chosen_videos
from scanner.base.settings import load_settings, sourced_settings


def test_chosen_model_is_remembered(tmp_path: Path) -> None:
    """A chosen model is remembered for this data folder."""
    choose_model(tmp_path / "data", "press")

    assert load_settings({"data_dir": tmp_path / "data"}, {}, tmp_path / "config.toml").model == "press"
    assert load_settings({"data_dir": tmp_path / "other"}, {}, tmp_path / "config.toml").model == ""


def test_flags_environment_and_config_go_before_it(tmp_path: Path) -> None:
    choose_model(tmp_path, "press")
    config = tmp_path / "config.toml"
    flags = {"data_dir": tmp_path}

    def model(environment: dict[str, str], **more: str) -> tuple[str, str]:
        found = next(item for item in sourced_settings({**flags, **more}, environment, config) if item.name == "model")
        return found.value, found.source

    assert model({}) == ("press", str(choices_file(tmp_path)))
    config.write_text('model = "configured"')
    assert model({}) == ("configured", str(config))
    assert model({"DFSCAN_MODEL": "from environment"}) == ("from environment", "environment DFSCAN_MODEL")
    assert model({"DFSCAN_MODEL": "from environment"}, model="flag") == ("flag", "flag")


def test_a_later_choice_replaces_an_earlier_one(tmp_path: Path) -> None:
    choose_model(tmp_path, "press")
    choose_model(tmp_path, 'with "quotes" and ü')

    assert load_settings({"data_dir": tmp_path}, {}, tmp_path / "config.toml").model == 'with "quotes" and ü'
    assert [path.name for path in tmp_path.iterdir()] == ["chosen.toml"]


def test_choices_are_kept_side_by_side(tmp_path: Path) -> None:
    assert chosen_videos(tmp_path) is None
    choose_videos(tmp_path, True)
    choose_model(tmp_path, "press")
    assert (chosen_videos(tmp_path), chosen_model(tmp_path)) == (True, "press")
    choose_videos(tmp_path, False)
    found = load_settings({"data_dir": tmp_path}, {}, tmp_path / "config.toml")
    assert (found.videos, found.model) == (False, "press")


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")

    with pytest.raises(ChoiceNotKept, match=r"chosen\.toml cannot be written"):
        choose_model(tmp_path / "data", "press")
