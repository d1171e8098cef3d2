"""All checks in one go: format, lint, types, import rules, docs, tests. Arguments go to pytest."""

import os
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
CHECKS = {
    "format": ["ruff", "format", "--check", "--quiet", "."],
    "lint": ["ruff", "check", "--quiet", "."],
    "types": ["mypy"],
    "imports": ["lint-imports"],
    "docs": ["mkdocs", "build", "--strict", "--quiet"],
}
# mkdocs-material would tell of its successor at each build.
ENVIRONMENT = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}


def main(arguments: list[str]) -> int:
    """Run every check even if one fails; 0 only if all pass."""
    # The slow end-to-end tests mostly wait for worker processes: two at a time fit two cores.
    checks = {**CHECKS, "tests": ["pytest", "-n", "2", "--dist", "worksteal", *arguments]}
    failed = []
    for name, command in checks.items():
        began = time.monotonic()
        status = subprocess.call([BIN / command[0], *command[1:]], cwd=HERE, env=ENVIRONMENT)
        print(f"== {name}: {'passed' if status == 0 else 'FAILED'} in {time.monotonic() - began:.0f} s", flush=True)
        if status:
            failed.append(name)
    if failed:
        print(f"failed: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
