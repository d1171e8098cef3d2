"""The Celery worker: claims pending images, decodes, predicts, and writes detections."""
