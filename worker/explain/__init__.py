"""Explanations: why a content has its score, with heatmaps."""
