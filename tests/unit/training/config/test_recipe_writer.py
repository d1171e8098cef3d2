"""Recipes as they are in force, written so that they are read again."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.config.hyperparameters import Plateau
from training.config.recipes.reader import TrainingRecipe, recipe_named, recipe_names
from training.config.recipes.writer import recipe_text


@pytest.mark.parametrize("name", recipe_names())
def test_what_is_written_is_read(tmp_path: Path, name: str) -> None:
    recipe = recipe_named(name)
    path = tmp_path / f"{name}.toml"
    path.write_text(recipe_text(recipe), encoding="utf-8")
    assert recipe_named(str(path)) == recipe


@given(
    prompt=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20),
    source=st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    rate=st.floats(1e-12, 1e12),
)
def test_any_text_and_any_number(tmp_path_factory: pytest.TempPathFactory, prompt: str, source: str, rate: float) -> None:
    paper = recipe_named("paper")
    assert isinstance(paper, TrainingRecipe)
    plan = replace(paper.plan, learning_rate=rate, repeat={source: 3}, patience=1, plateau=Plateau(threshold=0.0))
    recipe = TrainingRecipe(replace(paper.network, prompt=prompt), plan)
    path = tmp_path_factory.mktemp("r") / "paper.toml"
    path.write_text(recipe_text(recipe), encoding="utf-8", newline="")
    assert recipe_named(str(path)) == recipe
