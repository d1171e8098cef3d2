"""Sets dfscan up in its own environment, then runs it. Needs Python >= 3.11 and nothing else.

python3 run.py scan samples     set up what a scan needs, then `dfscan scan samples`
python3 run.py test             set up everything, then run all checks and tests
"""

import hashlib
import os
import re
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
ENVIRONMENT = HERE / ".venv"
BIN = ENVIRONMENT / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
PACKAGES = ("dfscan", "scanner", "worker", "training", "gui", "migrations")
BACKBONE = "clip-vit-b-16"
SCANNING = ("scan", "watch", "worker", "gui", "benchmark")
TRAINING = ("train", "evaluate", "calibrate", "manifest", "matrix", "protocol", "model combine")
EXTRAS_OF = {
    "test": "all,test",
    "gui": "worker,gui",
    **dict.fromkeys(TRAINING, "train"),
}


def main(arguments: list[str]) -> int:
    """Install what the command needs, unless that is done already, then run it."""
    if sys.version_info < (3, 11):
        print("dfscan needs Python 3.11 or newer", file=sys.stderr)
        return 2
    if not arguments:
        print(__doc__, file=sys.stderr)
        return 2
    install(EXTRAS_OF.get(arguments[0]) or EXTRAS_OF.get(" ".join(arguments[:2]), "worker"))
    if arguments[0] in SCANNING:
        fetch_backbone()
    command = [PYTHON, HERE / "tests" / "gate.py", *arguments[1:]] if arguments[0] == "test" else [BIN / "dfscan", *arguments]
    return subprocess.call(command)


def fetch_backbone() -> None:
    """Bring the public weights of the default detector, once for each data folder; without them a smaller detector scans."""
    place = hashlib.sha256(os.environ.get("DFSCAN_DATA_DIR", "").encode()).hexdigest()[:16]
    stamp = ENVIRONMENT / f"fetched-{BACKBONE}-{place}"
    if stamp.exists():
        return
    print(f"fetching {BACKBONE} (once; 78 MB) ...", file=sys.stderr)
    if subprocess.call([BIN / "dfscan", "model", "fetch", BACKBONE, "--quiet"], stdout=subprocess.DEVNULL) == 0:
        stamp.touch()


def pinned(name: str, hashes: str) -> str:
    """What hashes.txt says of one package, for pip: its version, and the hashes of its files."""
    found = re.search(rf"^{name}==.*(\n +.*)*", hashes, re.MULTILINE)
    return f"{found[0]}\n" if found else name


def install(extras: str) -> None:
    """Bring the environment up to date; a stamp of what was asked for makes the second time free."""
    wanted = hashlib.sha256()
    for name in ("pyproject.toml", "hashes.txt"):
        wanted.update((HERE / name).read_bytes())
    stamp = ENVIRONMENT / f"installed-{extras.replace(',', '-')}-{wanted.hexdigest()[:16]}"
    if stamp.exists():
        return
    print(f"setting up {ENVIRONMENT} (once; PyTorch is large) ...", file=sys.stderr)
    if not PYTHON.exists():
        venv.create(ENVIRONMENT, with_pip=True)
    hashes = HERE / "hashes.txt"
    own = ENVIRONMENT / "uv.txt"
    own.write_text(pinned("uv", hashes.read_text("utf-8")), "utf-8")
    quiet = ["-q", "--disable-pip-version-check"]
    subprocess.run([PYTHON, "-m", "pip", "install", *quiet, "--require-hashes", "-r", own], check=True)
    subprocess.run(
        # Compiled at once: otherwise the first start of each command pays for it, or every start where none may be written.
        [
            PYTHON,
            "-m",
            "uv",
            "pip",
            "install",
            "-q",
            "--compile-bytecode",
            "-c",
            hashes,
            "--build-constraints",
            hashes,
            "-e",
            f"{HERE}[{extras}]",
        ],
        check=True,
        # The system's certificates, so that it also works behind a company's own.
        env={"UV_SYSTEM_CERTS": "1", **os.environ, "VIRTUAL_ENV": str(ENVIRONMENT)},
    )
    subprocess.run([PYTHON, "-m", "compileall", "-q", *(HERE / name for name in PACKAGES)], check=True)
    stamp.touch()


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except subprocess.CalledProcessError as error:
        sys.exit(f"setting up failed: {error}. Mend what it says above, then run the same command again")
