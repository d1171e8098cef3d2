"""Recipes: what is trained and how, one TOML file each; `reading` turns them into dataclasses."""
