"""The truth: which files there are, what state each is in, and every verdict and review."""
