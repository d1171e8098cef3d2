"""Makes the longest waits of the program's own processes short, where a test waits for their end and not for their length.

Only where the environment names the seconds in DFSCAN_TEST_LONGEST_WAIT.
"""

import sys
from typing import Any

VARIABLE = "DFSCAN_TEST_LONGEST_WAIT"


def install(seconds: float) -> None:
    """Have the modules changed as soon as they are imported."""
    from changing import Changing  # beside this file, as all that runs at the start of a process

    def change_retries(module: Any) -> None:
        module.LONGEST_SECONDS = seconds

    def change_unreachable(module: Any) -> None:
        module.UNREACHABLE_SECONDS = seconds

    changes = {"scanner.base.backoff": change_retries, "scanner.results.record": change_unreachable}
    sys.meta_path.insert(0, Changing(changes))
