"""Commands under `dfscan model` that need the training package."""
