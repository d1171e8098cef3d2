"""The figure of one image's way in docs/architecture.md is true to the code, and short."""

import ast
import re
from functools import cache
from importlib import import_module
from pathlib import Path

HERE = Path(__file__).resolve().parents[4]
MOST_HOPS, MOST_TYPES = 12, 18
# Where the types are that the figure names.
TYPES = {
    "scanner.database.models": {"File", "Content", "Detection"},
    "scanner.domain.claims": {"Claimed"},
    "scanner.domain.outcomes": {"ContentFacts", "Scored"},
    "scanner.domain.evidence": {"Evidence"},
    "scanner.domain.prediction": {"Face", "Prediction"},
    "worker.pipeline.types": {"Item", "Batch"},
    "worker.pipeline.judged": {"Judged"},
    "worker.detector.inference.picture_score": {"InputAnswer"},
    "worker.decoding.inputs": {"Ready"},
    "worker.detector.faces.input_selection": {"Looked"},
    "worker.detector.faces.face": {"Input"},
}


def rows() -> list[dict[str, str]]:
    """The hops of the table."""
    text = (HERE / "docs" / "architecture.md").read_text("utf-8")
    code = r"`(?P<{}>\S+)`".format
    calls = rf"{code('file')} {code('caller')} \| {code('callee')} \| {code('there')}"
    pattern = rf"^\|[^|]*\| (?P<number>\d+) \| {calls} \| (?P<now>.*) \|$"
    return [found.groupdict() for found in re.finditer(pattern, text, flags=re.MULTILINE)]


@cache
def functions(file: str) -> dict[str, ast.AST]:
    """All functions of a file by their qualified names, methods also by their own."""
    found: dict[str, ast.AST] = {}

    def collect(node: ast.AST, above: str) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.ClassDef):
                found[above + child.name] = found[child.name] = child
                collect(child, f"{above}{child.name}." if isinstance(child, ast.ClassDef) else above)

    collect(ast.parse((HERE / file).read_text("utf-8")), "")
    return found


def names_in(node: ast.AST) -> set[str]:
    """What is called or handed on in a function."""
    variables = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
    return variables | {part.attr for part in ast.walk(node) if isinstance(part, ast.Attribute)}


def test_each_hop_is_in_the_code_and_leads_from_one_module_to_another() -> None:
    hops = rows()
    assert [int(hop["number"]) for hop in hops] == list(range(1, len(hops) + 1))
    for hop in hops:
        assert hop["file"] != hop["there"], hop
        assert hop["callee"] in functions(hop["there"]), hop
        assert hop["callee"] in names_in(functions(hop["file"])[hop["caller"]]), hop


def test_there_are_no_more_hops_and_types_than_a_reader_can_follow() -> None:
    assert 0 < len(rows()) <= MOST_HOPS
    named = {name for hop in rows() for name in re.findall(r"`([A-Z]\w+)`", hop["now"])}
    assert named == set().union(*TYPES.values())
    assert len(named) <= MOST_TYPES
    for module, types in TYPES.items():
        assert {name for name in types if not isinstance(getattr(import_module(module), name, None), type)} == set()


def test_the_stages_are_the_methods_of_the_pipeline_in_this_order() -> None:
    module = (HERE / "worker" / "pipeline" / "pipeline.py").read_text("utf-8")
    stages = re.findall(r"\w+", module.partition("A worker's pipeline:")[2].partition(", until")[0])
    assert stages == ["claim", "read", "deduplicate", "decode", "score", "record"]
    places = [module.index(f"def _{stage}(") for stage in stages]
    assert places == sorted(places)
