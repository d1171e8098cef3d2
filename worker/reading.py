"""Reading a claimed file once, in full, and only if it is what intake saw."""

import hashlib
import os
import stat

from scanner.leases import Claimed
from scanner.recognise import image_format
from scanner.verdicts import Changed, ContentFacts, Failed, Vanished


def read_image(file: Claimed, max_bytes: int) -> tuple[bytes, ContentFacts] | Failed | Changed | Vanished:
    """The bytes of `file` and what they are, or why there are none. Never writes, never waits for a FIFO's writer."""
    try:
        descriptor = os.open(file.path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (FileNotFoundError, NotADirectoryError):
        return Vanished(file)
    except OSError as error:
        return Failed(file, "unreadable", f"cannot be opened: {error.strerror}; mend that, then run `dfscan retry`")
    before = os.fstat(descriptor)
    if not stat.S_ISREG(before.st_mode):
        os.close(descriptor)
        return Failed(file, "not-a-file", "not a regular file")
    with os.fdopen(descriptor, "rb") as opened:
        if before.st_size > max_bytes:
            return Failed(
                file,
                "too-large",
                f"too large: {before.st_size / 1e6:,.0f} MB, the limit is {max_bytes / 1e6:,.0f} MB (setting max_file_megabytes)",
            )
        try:
            content = opened.read()
        except OSError as error:
            return Failed(file, "unreadable", f"cannot be read: {error.strerror}; mend that, then run `dfscan retry`")
        after = os.fstat(descriptor)
    if (after.st_size, after.st_mtime_ns) != (file.size, file.mtime_ns) or len(content) != after.st_size:
        return Changed(file, after.st_size, after.st_mtime_ns)
    facts = ContentFacts(hashlib.sha256(content).hexdigest(), len(content))
    if not content:
        return Failed(file, "empty", "empty: the file has 0 bytes", facts)
    if image_format(content[:32]) is None:
        return Failed(file, "not-an-image", "its content is no image, whatever its name says", facts)
    return content, facts
