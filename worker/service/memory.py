"""How large this process has grown."""

import psutil

# What working takes beyond the loaded model: the runtime's own memory, and the batches in hand.
ROOM_MEGABYTES = 384


def resident_megabytes() -> int:
    """Resident memory of this process, in MiB."""
    return int(psutil.Process().memory_info().rss) >> 20


def memory_ceiling(wanted: int) -> int:
    """`wanted` MiB, but enough above what the process has now, with its model loaded: or it would be replaced for ever."""
    return max(wanted, resident_megabytes() * 5 // 4, resident_megabytes() + ROOM_MEGABYTES)
