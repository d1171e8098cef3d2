"""Python imports this at the start of every process of a test run: its folder is put on PYTHONPATH by tests/conftest.py."""

import os

import network

if network.LOG in os.environ:
    network.guard(os.environ, own_machine=False)
if os.environ.get("DFSCAN_TEST_FAULTS"):
    import faults

    faults.install()
if seconds := os.environ.get("DFSCAN_TEST_LONGEST_WAIT"):
    import waits

    waits.install(float(seconds))
