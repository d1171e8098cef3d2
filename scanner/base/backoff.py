"""How long to wait before the next try, the longer the more have failed: workers, the watcher and what they start go by it."""

LONGEST_SECONDS = 60.0


def seconds_before_retry(failures: int) -> float:
    """After `failures` in a row: nothing, 1, 2, 4, 8, ... seconds, at most LONGEST_SECONDS."""
    if failures <= 0:
        return 0.0
    return min(LONGEST_SECONDS, 2.0 ** min(failures - 1, 30))
