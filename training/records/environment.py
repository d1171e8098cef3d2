"""Where and by what something was computed: the program, the libraries, the machine, the command."""

import platform
import shlex
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import scanner

# What figures may depend on.
_LIBRARIES = ("torch", "torchvision", "timm", "open_clip_torch", "numpy", "scipy", "scikit-learn", "pillow", "onnxruntime")


def environment() -> dict[str, Any]:
    """JSON-ready. `commit` is that of the program's own checkout, and null where it was installed without one."""
    return {
        "dfscan": _version("dfscan"),
        "commit": commit_of(Path(scanner.__file__).parents[1]),
        "python": platform.python_version(),
        "libraries": {name: found for name in _LIBRARIES if (found := _version(name))},
        "system": f"{platform.system()} {platform.release()}",
        "machine": platform.machine(),
    }


def command_line() -> str:
    """How the program was called, as one would type it."""
    return shlex.join(["dfscan", *sys.argv[1:]])


def commit_of(folder: Path) -> str | None:
    """The commit of a git checkout, with `, changed` where tracked files differ from it; None where there is none to ask."""
    if not (folder / ".git").exists():
        return None
    try:
        commit, changed = (
            subprocess.run(["git", "-C", str(folder), *asked], capture_output=True, text=True, timeout=60, check=True).stdout  # noqa: S607
            for asked in (("rev-parse", "HEAD"), ("status", "--porcelain", "--untracked-files=no"))
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return commit.strip() + (", changed" if changed.strip() else "")


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
