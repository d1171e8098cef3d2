"""Times of files, as every database can hold them."""

_LARGEST = 2**63 - 1


def storable_ns(nanoseconds: int) -> int:
    """A time of os.stat, kept within a 64-bit integer (1677 to 2262): a file may claim to be from any year."""
    if -_LARGEST <= nanoseconds <= _LARGEST:
        return nanoseconds
    return _LARGEST if nanoseconds > 0 else -_LARGEST
