"""What dfscan costs, as a table and as JSON; every part compares within one run.

python -m tests.benchmarks [PART ...] [--files N] [--rows N] [--images N] [--photos N] [--runs N] [--json FILE]
"""

import argparse
import gc
import sys
from collections.abc import Iterator, Sequence
from dataclasses import fields
from importlib import import_module
from pathlib import Path

from .measure import Figure, Sizes, machine
from .table import show

# A module of `parts` each, imported only when it is asked for: some bring torch.
PARTS = {
    "scan": "`scan` beside the bare forward pass, the bare decoding and a plain script, on face-sized pictures and on photos",
    "runtimes": "images a second and scores of each runtime, for `lite` and `paper`, beside eager float32",
    "training": "pictures a second that one core loads, and an epoch with frozen branches' embeddings kept, beside one without",
    "training_start": "`train --recipe lite` on a manifest of 262,160 rows, up to its first step: time and memory",
    "looking": "one picture's decoding, faces, evidence, fingerprint and mild conditions, on one core",
    "copies": "bytes that one picture moves between processes, and the CPU time of each side",
    "sweep": "a sweep of unchanged files beside a bare walk",
    "claims": "intake, and claim + record by several processes, on SQLite and Postgres",
    "latency": "from a file's last byte to its verdict in `watch`",
    "idle": "what `watch` takes while nothing happens",
    "reports": "`report`, `status` and pages of the queue on databases of three sizes",
    "scale": "a large archive on SQLite: what is asked, changed and walked, and the memory that takes",
    "scale_postgres": "the same on Postgres",
    "stages": "what a picture takes in each stage with the active model, and the rates that follow on other machines",
    "start": "the start of commands beside a bare start of Python",
    "workers": "1, 2 and 4 worker processes on one backlog, beside what the model of docs/scaling.md says",
}


def main(arguments: Sequence[str]) -> int:
    """Measure the parts asked for; 1 when a limit is broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=_descriptions())
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("parts", nargs="*", metavar="PART", choices=[*PARTS, []], help="all without")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE, too")
    names = [field.name for field in fields(Sizes)]
    for name in names:
        parser.add_argument(f"--{name}", type=int, default=getattr(Sizes, name), help="default %(default)s")
    asked = parser.parse_args(arguments)
    gc.set_threshold(50_000, 20, 100)  # as the command does
    sizes = Sizes(**{name: getattr(asked, name) for name in names})
    return show(machine(), _measured(asked.parts or list(PARTS), sizes), asked.json)


def _descriptions() -> str:
    return "\n".join(f"{part:14} {what}" for part, what in PARTS.items())


def _measured(parts: Sequence[str], sizes: Sizes) -> Iterator[tuple[str, Figure]]:
    for part in parts:
        for figure in import_module(f"{__package__}.parts.{part}").measure(sizes):
            yield part, figure


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
