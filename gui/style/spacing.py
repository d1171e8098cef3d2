"""Distances, in device-independent pixels: the same everywhere."""

EDGE = 8  # around a page or a bar
GAP = 8  # between things that belong to different work
NEAR = 4  # between things that belong together
BUTTON = 30  # height of what decides
# Rows of a list that is read.
ROOMY = "QTreeView::item { padding: 3px 4px; }"
