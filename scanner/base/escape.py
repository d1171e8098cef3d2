"""Text from outside (names, targets of links, decoders' complaints) as one line that any terminal and database takes."""

import os
from shlex import quote


def printable(path: str) -> str:
    """A path for people: bytes that are not UTF-8 and control characters (which could steer a terminal) are escaped."""
    return escaped(os.fsencode(path).decode("utf-8", "backslashreplace"))


def in_shell(path: str) -> str:
    """A path or a name as one word of a command that people copy, whatever is in it (bash, zsh and POSIX know `$'...'`)."""
    if path.isprintable():
        return quote(path)
    bare = path.replace("\\", "\\\\").replace("'", "\\'")
    return f"$'{''.join(char if char.isprintable() else _octets(char) for char in bare)}'"


def _octets(char: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in os.fsencode(char))


def escaped_lines(text: str) -> str:
    """`text` of several lines, each `escaped`."""
    return "\n".join(escaped(line) for line in text.split("\n"))


def escaped(text: str) -> str:
    """`text` with everything escaped that cannot be printed, lone surrogates included."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
