"""What a detector is worth: metrics, calibration, robustness, reports."""
