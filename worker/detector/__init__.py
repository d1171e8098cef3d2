"""Images in, detections out: network, preprocessing, checkpoints, prediction. Knows no database and no Celery."""

import os

# ONNX Runtime's wheels (1.32 for Linux) send figures of use to their maker, and keep a database for that in the user's
# home, unless this is set before it is imported: it must not, and whoever imports it imports this first.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
