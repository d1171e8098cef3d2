"""Trouble that comes again and again, in the log only when it begins and when it ends."""

import logging
import threading


class TroubleLog:
    """What is wrong with `what`, for one or several threads."""

    def __init__(self, log: logging.Logger, what: str) -> None:
        self._log = log
        self._what = what
        self._lock = threading.Lock()
        self.is_in_trouble = False

    def fails(self, reason: str) -> None:
        """Say so, unless it is known."""
        with self._lock:
            was, self.is_in_trouble = self.is_in_trouble, True
        if not was:
            self._log.warning("%s fails: %s (said once, until it works again)", self._what, reason)

    def works(self) -> None:
        """Say so, if it did not."""
        with self._lock:
            was, self.is_in_trouble = self.is_in_trouble, False
        if was:
            self._log.info("%s works again", self._what)
