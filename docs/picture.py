"""Makes docs/scan.svg from a real run of `dfscan scan samples` on a pseudo-terminal.

python docs/picture.py
"""

import os
import pty
import re
import subprocess
import sys
import tempfile
from io import StringIO
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

HERE = Path(__file__).resolve().parent.parent
COLUMNS = 100


def main() -> None:
    """Run, capture, draw."""
    with tempfile.TemporaryDirectory() as data_dir:
        environment = {**os.environ, "DFSCAN_DATA_DIR": data_dir, "COLUMNS": str(COLUMNS), "TERM": "xterm-256color"}
        said = capture([sys.executable, "-m", "scanner", "scan", "samples"], environment)
    console = Console(record=True, width=COLUMNS, file=StringIO(), force_terminal=True)
    console.print("[bold]$ dfscan scan samples[/bold]", highlight=False)
    console.print(Text.from_ansi(last_states(said).replace(f"{HERE}{os.sep}", "")))
    # rich's template loads a font from the network; a picture should not.
    template = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    console.save_svg(str(HERE / "docs" / "scan.svg"), title="dfscan", code_format=template)


def capture(command: list[str], environment: dict[str, str]) -> str:
    """What `command` writes to a terminal."""
    master, slave = pty.openpty()
    with subprocess.Popen(command, cwd=HERE, env=environment, stdin=slave, stdout=slave, stderr=slave):
        os.close(slave)
        parts = []
        while True:
            try:
                parts.append(os.read(master, 65536))
            except OSError:  # the other end is closed
                break
    os.close(master)
    return b"".join(parts).decode("utf-8", "replace")


def last_states(said: str) -> str:
    """Lines as they stand in the end: a progress bar redraws its line after moving the cursor up."""
    lines: list[str] = []
    for line in said.replace("\r\n", "\n").split("\n"):
        moved_up = len(re.findall(r"\x1b\[1A", line))
        lines = lines[: len(lines) - moved_up] if moved_up else lines
        visible = re.sub(r"\x1b\[(?:\?25[lh]|2K|1A)", "", line).rpartition("\r")[2]
        lines.append(visible)
    return "\n".join(lines).strip("\n")


if __name__ == "__main__":
    main()
