"""Rebuilds the detector: data, loop, metrics, calibration. Knows no database and no Celery."""
