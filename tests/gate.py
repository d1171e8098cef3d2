"""All checks in one go: format, lint, types, import rules, docs, tests. Arguments go to pytest."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from textwrap import fill

NO_TESTS = 5
HERE = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
CHECKS = {
    "format": ["ruff", "format", "--check", "--quiet", "."],
    "lint": ["ruff", "check", "--quiet", "."],
    "types": ["mypy"],
    "imports": ["lint-imports"],
    "supply chain": ["python", "tests/supply_chain.py", "check"],
    "docs": ["mkdocs", "build", "--strict", "--quiet"],
}
SILENT: dict[str, int] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
# mkdocs-material would tell of its successor at each build. From 3.12 on Python itself tells which lines ran, at next to no cost.
# Two tests run side by side: networks and trees of one thread each, or threads of the two wait for each other on two cores.
# What pytest and Python make of a file is kept beside it: else each process, and each that tests start, makes it anew.
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
    "NO_MKDOCS_2_WARNING": "1",
    "OMP_NUM_THREADS": "1",
    **({"COVERAGE_CORE": "sysmon"} if sys.version_info >= (3, 12) else {}),
}


def main(arguments: list[str]) -> int:
    """Run every check even if one fails; 0 only if all pass."""
    # The slow end-to-end tests mostly wait for worker processes: two at a time fit two cores.
    tests = ["pytest", "-n", "2", "--dist", "worksteal", *arguments]
    # No fast test has a window, whose library looks into the source of all that is imported beside it. A file that is named may.
    without_window = [] if arguments else ["-p", "no:pytest-qt"]
    # Counting lines takes a third more of a processor's time: only of the fast tests.
    checks = {
        **CHECKS,
        "fast tests": [*tests, "-m", "not slow", *without_window, "--cov", "--cov-report="],
        "slow tests": [*tests, "-m", "slow"],
    }
    # The first checks keep one core busy. On the other one pytest makes the tests' files ready, for both of its processes then.
    ready = (
        None if arguments else subprocess.Popen([BIN / "pytest", "--collect-only", "-qq"], cwd=HERE, env=ENVIRONMENT, **SILENT)
    )
    failed = []
    for name, command in checks.items():
        if ready and command[0] == "pytest":
            ready.wait()
        began = time.monotonic()
        status = subprocess.call([BIN / command[0], *command[1:]], cwd=HERE, env=ENVIRONMENT)
        if status == NO_TESTS and command[0] == "pytest":  # the arguments name tests of the other kind
            status = 0
        print(f"== {name}: {'passed' if status == 0 else 'FAILED'} in {time.monotonic() - began:.0f} s", flush=True)
        if status:
            failed.append(name)
    print_coverage()
    if failed:
        print(f"failed: {', '.join(failed)}")
    return 1 if failed else 0


def print_coverage() -> None:
    """The share of lines that the fast tests ran in their own processes, by folder (`coverage report -m` names them)."""
    report = subprocess.run([BIN / "coverage", "json", "-q", "-o", "-"], cwd=HERE, capture_output=True, text=True)
    if report.returncode:
        print(f"no coverage: {report.stdout}{report.stderr}".strip())
        return
    lines: dict[str, list[int]] = {}
    for name, found in json.loads(report.stdout)["files"].items():
        for folder in ("all", "/".join(Path(name).parts[:2]) if name.count("/") > 1 else Path(name).parts[0]):
            counts = lines.setdefault(folder, [0, 0])
            counts[0] += found["summary"]["covered_lines"]
            counts[1] += found["summary"]["num_statements"]
    shares = [f"{folder} {covered / max(total, 1):.0%}" for folder, (covered, total) in sorted(lines.items())]
    print(fill(f"== coverage of lines by the fast tests: {', '.join(shares)}", 110, subsequent_indent="   "))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
