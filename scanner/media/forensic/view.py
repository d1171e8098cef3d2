"""What a picture can be shown as, for a person who looks closer."""

from enum import StrEnum


class View(StrEnum):
    """Each is made by `scanner.media.forensic.views`."""

    ERROR_LEVELS = "error levels"
    NOISE = "noise"
