"""Running a network: devices, runtimes, exports, scores, heatmaps."""
