"""Errors that the user or the machine can mend.

Everything that is not a `KnownError` is a bug and crashes loudly. A `KnownError` is shown as one message without a
traceback; its text names the path, the reason and the next step. Subclasses live beside the code that raises them.
"""


class KnownError(Exception):
    """Something the user can mend. The text says what, why, and what to do next."""
