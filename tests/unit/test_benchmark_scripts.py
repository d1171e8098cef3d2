"""What a benchmark takes from the product is there: nothing else runs those scripts between two measurements."""

import ast
from importlib import import_module
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks"
PRODUCT = ("scanner", "worker", "training", "gui")


def taken_by(script: Path) -> list[tuple[str, str]]:
    """Module and name of all that a script imports from the product, wherever it does."""
    return [
        (node.module, alias.name)
        for node in ast.walk(ast.parse(script.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module and not node.level and node.module.split(".")[0] in PRODUCT
        for alias in node.names
    ]


@pytest.mark.parametrize("script", sorted(FOLDER.rglob("*.py")), ids=lambda script: script.stem)
def test_what_a_benchmark_takes_from_the_product_is_there(script: Path) -> None:
    for module, name in taken_by(script):
        if module.startswith("gui"):
            continue  # needs a display
        assert hasattr(import_module(module), name), f"{module}.{name}"
