"""Images in, detections out: network, preprocessing, checkpoints, prediction. Knows no database and no Celery."""
