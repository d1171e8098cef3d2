"""Makes docs/scan.svg from a real run of `dfscan scan samples` on a pseudo-terminal, and docs/images/flagged.png from its report.

python docs/picture.py [NAME]

NAME is the sample to draw; without it that of the faces with the highest score. The public weights in your data folder are used.
"""

import json
import os
import pty
import re
import subprocess
import sys
import tempfile
from io import StringIO
from pathlib import Path
from typing import Any

import platformdirs
from PIL import Image, ImageDraw, ImageFont
from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

HERE = Path(__file__).resolve().parent.parent
COLUMNS = 110
# The colours of the window's labels.
COLOURS = {"fake": ("#b00020", "white"), "uncertain": ("#f0b429", "black"), "real": ("#17692f", "white")}
SHOWN = 512  # pixels: the picture's height


def main() -> None:
    """Run, capture, draw."""
    own = Path(os.environ.get("DFSCAN_DATA_DIR") or platformdirs.user_data_path("dfscan"))
    with tempfile.TemporaryDirectory() as data_dir:
        for folder in ("backbones", "cache"):
            if (own / folder).is_dir():
                (Path(data_dir) / folder).symlink_to((own / folder).resolve())
        environment = {**os.environ, "DFSCAN_DATA_DIR": data_dir, "COLUMNS": str(COLUMNS), "TERM": "xterm-256color"}
        said = capture([sys.executable, "-m", "scanner", "scan", "samples"], environment)
        report = [sys.executable, "-m", "scanner", "report", "--format", "json"]
        items = json.loads(subprocess.run(report, cwd=HERE, env=environment, check=True, capture_output=True).stdout)["items"]
    draw(chosen(items, sys.argv[1:])).quantize(128).save(HERE / "docs" / "images" / "flagged.png", optimize=True)
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


def chosen(items: list[dict[str, Any]], names: list[str]) -> dict[str, Any]:
    """The sample of that name, or the highest with a face."""
    fit = [item for item in items if item["faces"] and (not names or Path(item["path"]).name == names[0])]
    return max(fit, key=lambda item: item["score"])


def draw(item: dict[str, Any]) -> Image.Image:
    """The sample with its faces' boxes and their scores, and its label and score in a bar below."""
    with Image.open(item["path"]) as opened:
        scale = SHOWN / opened.height
        picture = opened.convert("RGB").resize((round(opened.width * scale), SHOWN), Image.Resampling.LANCZOS)
    drawn = Image.new("RGB", (picture.width, SHOWN + 34), COLOURS[item["label"]][0])
    drawn.paste(picture)
    pen, font = ImageDraw.Draw(drawn), ImageFont.load_default(18)
    background, foreground = COLOURS[item["label"]]
    pen.text((10, SHOWN + 6), f"{item['label']}  {item['score']:.3f}   {Path(item['path']).name}", foreground, font)
    for face in item["faces"]:
        left, top, width, height = (side * scale for side in face["box"])
        pen.rectangle((left, top, left + width, top + height), outline=background, width=3)
        if face["score"] is not None:
            text = f"{face['score']:.2f}"
            pen.rectangle((left, top - 24, left + pen.textlength(text, font) + 10, top), fill=background)
            pen.text((left + 5, top - 23), text, foreground, font)
    return drawn


if __name__ == "__main__":
    main()
