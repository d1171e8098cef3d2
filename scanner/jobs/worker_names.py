"""Names of worker processes."""

import os
import socket
import uuid


def worker_name() -> str:
    """Host, process and a random part: unique over machines and over time, and still readable in `status`."""
    return f"{socket.gethostname()[:60]}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
