"""What dfscan costs, as a table and as JSON; every part compares within one run.

python -m tests.benchmarks [PART ...] [--files N] [--rows N] [--runs N] [--json FILE]
"""

import argparse
import gc
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

from .measure import Figure, Sizes, machine

# A module of `parts` each, imported only when it is asked for: some bring torch.
PARTS = {
    "sweep": "a sweep of unchanged files beside a bare walk",
    "claims": "intake, and claim + record by several processes, on SQLite and Postgres",
    "latency": "from a file's last byte to its verdict in `watch`",
    "idle": "what `watch` takes while nothing happens",
    "reports": "`report`, `status` and pages of the queue on databases of three sizes",
    "start": "the start of commands beside a bare start of Python",
    "workers": "1, 2 and 4 worker processes on one backlog, beside what the model of docs/scaling.md says",
}


def main(arguments: Sequence[str]) -> int:
    """Measure the parts asked for; 1 when a limit is broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=_descriptions())
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("parts", nargs="*", metavar="PART", choices=[*PARTS, []], help="all without")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE, too")
    for name in ("files", "rows", "runs"):
        parser.add_argument(f"--{name}", type=int, default=getattr(Sizes, name), help="default %(default)s")
    asked = parser.parse_args(arguments)
    gc.set_threshold(50_000, 20, 100)  # as the command does
    here = machine()
    print("{processor}, {cores} cores, {system}, Python {python}, load {load_1_minute}, {at}".format_map(here), flush=True)
    figures = []
    for part, figure in _measured(asked.parts or list(PARTS), Sizes(asked.files, asked.rows, asked.runs)):
        print(_line(part, figure), flush=True)
        figures.append({"part": part, **asdict(figure), "holds": figure.holds})
    if asked.json:
        asked.json.write_text(json.dumps({"machine": here, "figures": figures}, indent=1) + "\n", "utf-8")
    return 1 if any(figure["holds"] is False for figure in figures) else 0


def _descriptions() -> str:
    return "\n".join(f"{part:10} {what}" for part, what in PARTS.items())


def _measured(parts: Sequence[str], sizes: Sizes) -> Iterator[tuple[str, Figure]]:
    for part in parts:
        for figure in import_module(f"{__package__}.parts.{part}").measure(sizes):
            yield part, figure


def _line(part: str, figure: Figure) -> str:
    ratio = f"{figure.ratio:8.2f} x {figure.against}" if figure.ratio is not None else ""
    verdict = ""
    if figure.limit is not None:
        bound = f"{figure.limit.sign} {figure.limit.bound:g}{' x' if figure.limit.of_ratio else f' {figure.unit}'}"
        verdict = f"   {'holds' if figure.holds else 'BROKEN'}: {bound}"
    return f"{part:8} {figure.what:52} {figure.value:12,.4g} {figure.unit:8}{ratio}{verdict}".rstrip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
