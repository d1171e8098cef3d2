"""A file for each backbone: its public weights, its branch, its heatmap's layers, and whether it is frozen."""
