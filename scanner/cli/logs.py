"""Log lines of the long-running commands: on standard error, in a terminal's or a service's form."""

import logging
import sys


def log_to_stderr(form: str) -> None:
    """Start logging in `form`; what libraries say of their everyday business is left out."""
    logging.basicConfig(level=logging.INFO, format=form, stream=sys.stderr)
    for library in ("alembic", "celery", "kombu"):
        logging.getLogger(library).setLevel(logging.WARNING)
