"""What dfscan costs, measured: `python -m tests.benchmarks`."""
