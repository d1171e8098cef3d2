"""Paths as every database can store them, in the order that the database sorts them."""

import re

_ESCAPED = re.compile(r"\\(?:\\|u([0-9a-f]{4}))")
_NEEDS_ESCAPE = re.compile(r"[\\\ud800-\udfff]")


def encode_path(path: str) -> str:
    r"""A path as text that every database can store.

    Bytes that are not UTF-8 reach Python as lone surrogates (PEP 383), which no database takes: they are written as `\udcXX`,
    and a backslash is doubled. Other names stay as they are and can be searched.
    """
    if is_stored_plainly(path):
        return path
    return _NEEDS_ESCAPE.sub(lambda match: "\\\\" if match[0] == "\\" else f"\\u{ord(match[0]):04x}", path)


def is_stored_plainly(path: str) -> bool:
    """Whether `encode_path` certainly leaves it as it is; nearly all paths are so."""
    return path.isascii() and "\\" not in path


def decode_path(stored: str) -> str:
    """The inverse of `encode_path`."""
    if "\\" not in stored:
        return stored
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)) if match[1] else "\\", stored)
