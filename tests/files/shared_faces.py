"""Where the development image set is. It shows real people, and is never a part of the repository."""

import os
from pathlib import Path

VARIABLE = "DFSCAN_TEST_FACES"


def shared_faces_folder() -> Path:
    """The folder that should hold its manifest.csv, whether it does or not."""
    default = Path(__file__).resolve().parents[3] / "shared" / "data" / "faces"
    return Path(os.environ.get(VARIABLE, default))
