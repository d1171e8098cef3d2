"""A small real program that speaks as `dfscan explain --serve` does, without a network: the left half of each image is hot.

Writes the paths it is asked for into the file named on its command line, with a + where all inputs of a crowd are asked for.
What is called `dies` ends it, `refused` is an error, and the heatmap of `combined` is of the part `probe`.
"""

import hashlib
import json
import sys
import time
from pathlib import Path
from typing import Any

from PIL import Image


def answer(said: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()


for line in sys.stdin:
    asked = json.loads(line)
    path, out = Path(asked["path"]), Path(asked["out"])
    with Path(sys.argv[1]).open("a") as log:
        log.write(f"{path.stem}{'+' if path.stem.startswith('crowd') and asked['most'] is None else ''}\n")
    if path.stem == "crowd-slow" and asked["most"] is None:
        time.sleep(600)
    if path.stem == "dies":
        sys.exit("dfscan: out of memory")
    if path.stem == "refused":
        answer({"path": asked["path"], "error": "its content is no image"})
        continue
    with Image.open(path) as picture:
        width, height = picture.size
    grey = Image.new("L", (8, 8), 0)
    grey.paste(255, (0, 0, 4, 8))
    grey.save(out / "0.png")
    answer(
        {
            "path": asked["path"],
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "score": 0.9,
            "label": "fake",
            "basis": "whole",
            "stable": None,
            "branches": {},
            "inputs": [{"box": [0, 0, width, height], "score": 0.9, "heatmap": "0.png"}],
            "error": None,
            "part": "probe" if path.stem == "combined" else None,
        }
    )
