"""Writes recipes: every field as it is in force, as a file that `reader` reads again."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from .reader import HeadsRecipe, TrainingRecipe


def recipe_text(recipe: TrainingRecipe | HeadsRecipe) -> str:
    """The recipe as TOML, with all defaults written out. Its name is that of the file that it is put into."""
    network = asdict(recipe.network)
    del network["name"]
    own = {name: network.pop(name) for name in ("preprocessing", "inputs")}
    plan = asdict(recipe.plan)
    augmentation = plan.pop("augmentation")
    tables: dict[str, Any] = {"network": network, **own, ("heads" if isinstance(recipe, HeadsRecipe) else "plan"): plan}
    return "".join(_table((name,), table) for name, table in {**tables, "augmentation": augmentation}.items() if table)


def _table(names: tuple[str, ...], table: Mapping[str, Any]) -> str:
    """A table and those in it; what is None is left out."""
    said = {key: value for key, value in table.items() if value is not None}
    lines = [f"{_key(key)} = {_value(value)}\n" for key, value in said.items() if not isinstance(value, Mapping)]
    head = f"[{'.'.join(map(_key, names))}]\n" if lines else ""
    below = [_table((*names, key), value) for key, value in said.items() if isinstance(value, Mapping)]
    return head + "".join(lines) + ("\n" if lines else "") + "".join(below)


def _key(name: str) -> str:
    return name if name.isascii() and name.replace("-", "").replace("_", "").isalnum() else _text(name)


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and math.isfinite(value) and "." not in repr(value) and "e" not in repr(value):
        return f"{value!r}.0"
    return repr(value)


def _text(value: str) -> str:
    """A basic string: what JSON escapes TOML does, too, and one character more."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
