"""README and docs: short enough, no dead links, and no command, option, setting or file that does not exist."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from itertools import pairwise
from pathlib import Path

import click
import pytest
from benchmarks.__main__ import PARTS
from benchmarks.measure import Sizes

from scanner.base.machine import MOST_DECODERS
from scanner.base.settings import Settings
from scanner.cli.main import cli

HERE = Path(__file__).resolve().parents[2]
PAGES = sorted([*HERE.glob("*.md"), *(HERE / "docs").glob("*.md"), HERE / "samples" / "README.md"])
README_LINES, README_COLUMNS = 120, 100
PRODUCT = ("dfscan", "scanner", "worker", "training", "gui", "migrations")


def without_code(text: str) -> str:
    """`text` without its blocks of code."""
    return re.sub(r"^( *)```.*?^\1```$", "", text, flags=re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and mkdocs make them."""
    headings = re.findall(r"^#+ (.+)$", without_code(page.read_text("utf-8")), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def code_of(page: Path) -> Iterator[str]:
    """What stands in backticks, and each line of a block of shell commands without its comment."""
    text = page.read_text("utf-8")
    for block in re.findall(r"^ *```sh\n(.*?)^ *```$", text, flags=re.MULTILINE | re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            yield line.partition(" #")[0].strip()
    yield from re.findall(r"`([^`]+)`", without_code(text))


def documented_commands(page: Path) -> Iterator[list[str]]:
    """The words behind `dfscan` wherever it is called."""
    for code in code_of(page):
        for part in re.split(r"&&|;", code):
            words = part.split()
            while words and re.fullmatch(r"[A-Z_]+=\S*", words[0]):
                words = words[1:]
            if words[:1] in (["dfscan"], [".venv/bin/dfscan"]) or words[:2] == ["python3", "run.py"]:
                yield words[2:] if words[0] == "python3" else words[1:]


def misfit(words: list[str]) -> str | None:
    """The first word that is no command or option of the command before it."""
    command: click.Command = cli
    for before, word in pairwise(["", *words]):
        if word in ("COMMAND", "-h", "--help"):
            return None
        if word.startswith("-"):
            if word not in {option for parameter in command.params for option in parameter.opts}:
                return word
        elif isinstance(command, click.Group) and not before.startswith("--"):
            found = command.get_command(click.Context(command), word)
            if found is None:
                return word
            command = found
    return None


def test_the_readme_is_short_and_narrow() -> None:
    lines = (HERE / "README.md").read_text("utf-8").splitlines()
    assert len(lines) <= README_LINES
    assert [line for line in lines if len(line) > README_COLUMNS] == []


def test_every_page_is_named_on_the_first_ones() -> None:
    pages = {page.name for page in (HERE / "docs").glob("*.md")} - {"index.md"}
    table = re.findall(r"^\| \[[^]]+\]\(([\w-]+\.md)\)", (HERE / "docs" / "index.md").read_text("utf-8"), re.MULTILINE)
    assert sorted(table) == sorted(pages)
    assert pages <= set(re.findall(r"\(docs/([\w-]+\.md)\)", (HERE / "README.md").read_text("utf-8")))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(HERE)))
def test_every_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", without_code(page.read_text("utf-8")))
    for link in links:
        if re.match(r"https?://", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(HERE)))
def test_every_command_and_option_exists(page: Path) -> None:
    called = [words for words in documented_commands(page) if words != ["test"]]  # that one is run.py's own
    assert {" ".join(words): wrong for words in called if (wrong := misfit(words))} == {}


def test_every_command_is_documented() -> None:
    context = click.Context(cli)
    for page in (HERE / "README.md", HERE / "docs" / "command-line.md"):
        called = {words[0] for words in documented_commands(page) if words}
        assert set(cli.list_commands(context)) <= called, page.name


def test_every_setting_is_documented_with_its_default() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \|", (HERE / "docs" / "settings.md").read_text("utf-8"), flags=re.MULTILINE)
    told = dict(rows)
    assert set(told) == {field.name for field in fields(Settings)}
    for field in fields(Settings):
        default, said = field.default, told[field.name]
        if field.name == "decoders":  # by the machine
            assert said == f"one for each core, 2 to {MOST_DECODERS}"
        elif isinstance(default, bool):
            assert said == f"`{str(default).lower()}`", field.name
        elif isinstance(default, int | float):
            assert float(said) == default, field.name
        elif isinstance(default, tuple) and default:
            assert re.findall(r"`([^`]+)`", said) == list(default), field.name
        elif isinstance(default, str) and default:
            assert said == f"`{default}`", field.name
        elif field.name != "data_dir":
            assert said.startswith("empty"), field.name


def test_every_benchmark_that_is_named_exists() -> None:
    known = {*PARTS, *(f"--{field.name}" for field in fields(Sizes)), "--json"}
    for page in (*PAGES, HERE / "CHANGELOG.md"):
        for words in re.findall(r"`python -m tests\.benchmarks((?: [^`]*|\n[^`]*)?)`", page.read_text("utf-8")):
            named = {word for word in words.split() if not word.isdigit() and word != "FILE"}
            assert named <= known, page.name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(HERE)))
def test_every_file_that_is_named_exists(page: Path) -> None:
    tops = "|".join((*PRODUCT, "tests", "docs", "samples"))
    named = {code for code in code_of(page) if re.fullmatch(rf"({tops})/[\w./*-]+", code)}
    assert {name for name in named if not any(HERE.glob(name))} == set()


def test_the_tree_of_folders_is_that_of_the_code() -> None:
    text = (HERE / "docs" / "architecture.md").read_text("utf-8")
    [tree] = re.findall(r"## The tree\n\n```text\n(.*?)```", text, flags=re.DOTALL)
    drawn: set[str] = set()
    above: list[str] = []
    for spaces, name in re.findall(r"^( *)([\w-]+)/", tree, flags=re.MULTILINE):
        above = [*above[: len(spaces) // 2], name]
        drawn.add("/".join(above))
    assert {name for name in drawn if not (HERE / name).is_dir()} == set()
    for parent in ("scanner", "worker", "worker/detector", "training", "gui"):
        there = {f"{parent}/{folder.name}" for folder in (HERE / parent).iterdir() if (folder / "__init__.py").exists()}
        assert there <= drawn


def test_the_layers_are_those_of_the_contracts() -> None:
    text = (HERE / "docs" / "architecture.md").read_text("utf-8")
    contracts = tomllib.loads((HERE / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    for contract in contracts:
        for package in contract.get("containers", ()):
            layers = " > ".join(", ".join(layer.split(" | ")) for layer in contract["layers"])
            assert f"| `{package}` | {layers} |" in text


def test_the_changelog_knows_this_version() -> None:
    version = tomllib.loads((HERE / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    released = re.findall(r"^## (\d\S*)", (HERE / "CHANGELOG.md").read_text("utf-8"), flags=re.MULTILINE)
    assert released[0] == version
