"""Numbers with their words."""


def counted(count: int, one: str, many: str = "") -> str:
    """As in `1 image` and `1,200 images`."""
    return f"1 {one}" if count == 1 else f"{count:,} {many or one + 's'}"
