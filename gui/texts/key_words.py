"""How a button names its key."""


def with_key(key: str) -> str:
    """` (F)`; empty where there is none."""
    return f" ({key})" if key else ""
