"""Recipes: what is trained and how, one TOML file each; `reader` turns them into dataclasses."""
