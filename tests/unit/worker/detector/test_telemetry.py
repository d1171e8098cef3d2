"""ONNX Runtime tells its maker nothing, and keeps nothing in the user's home."""

import subprocess
import sys
from pathlib import Path

import pytest

# Each of these loads it, and is where a process may begin.
LOADS = [
    "from worker.detector.faces.face_finder import FaceFinder; FaceFinder()",
    "import worker.detector.inference.onnx_runtime, onnxruntime",
    "from worker.detector.weights import clip_onnx; import onnxruntime",
    "from worker.decoding import decoder_pool; import onnxruntime",
]


@pytest.mark.parametrize("load", LOADS)
def test_nothing_is_kept_for_telemetry(tmp_path: Path, load: str) -> None:
    program = f"import os; os.environ['HOME'] = {str(tmp_path)!r}; {load}"
    subprocess.run([sys.executable, "-c", program], check=True)
    assert list(tmp_path.rglob("*")) == []
