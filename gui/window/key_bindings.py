"""Which key does what: as it comes with the program, and as a person has changed it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto

from PySide6.QtGui import QKeySequence


class Needs(Enum):
    """What a key works on."""

    NOTHING = auto()
    PAGE = auto()  # the page with the images
    IMAGE = auto()  # an image on that page


@dataclass(frozen=True)
class Key:
    """A key (as Qt writes it, `also` a second one for the same), what it does and what it needs."""

    name: str
    sequence: str
    meaning: str
    needs: Needs = Needs.NOTHING
    also: str = ""


# What the lists, the menus and the system take, or what a person needs to get anywhere.
_TAKEN = ["Up", "Down", "Left", "Right", "Home", "End", "PgUp", "PgDown", "Tab", "Shift+Tab", "Return", "Enter", "Ctrl+Q", "F1"]
RESERVED = frozenset([*_TAKEN, *(f"Alt+{number}" for number in range(1, 6))])


def portable(sequence: str) -> str:
    """A key in the one way of writing it; empty for what is none."""
    return QKeySequence(sequence).toString(QKeySequence.SequenceFormat.PortableText)


def bound_keys(keys: Sequence[Key], changed: Mapping[str, str]) -> tuple[Key, ...]:
    """`keys` with those that were `changed` (by name). No key does two things: what a person has set goes first.

    A key that comes with the program and is taken by a changed one is left out: `sequence` may be empty.
    """
    set_now = {}
    taken = set(RESERVED)
    for key in keys:
        wanted = portable(changed.get(key.name, ""))
        if wanted and wanted not in taken:
            set_now[key.name] = wanted
            taken.add(wanted)
    bound = []
    for key in keys:
        own = [set_now[key.name]] if key.name in set_now else []
        own += [each for each in map(portable, (key.sequence, key.also)) if each and each not in taken]
        if key.name in set_now and portable(key.sequence) in own[1:]:
            own.remove(portable(key.sequence))  # it was changed: the old one is free
        taken.update(own[:2])
        bound.append(replace(key, sequence=own[0] if own else "", also=own[1] if len(own) > 1 else ""))
    return tuple(bound)


def refusal(keys: Sequence[Key], name: str, sequence: str) -> str:
    """Why the key called `name` may not be `sequence`; empty where it may. `keys` are those in force."""
    wanted = portable(sequence)
    if not wanted:
        return "Press the key that is to do it."
    if wanted in RESERVED:
        return f"{shown(wanted)} belongs to the lists and menus; choose another."
    for key in keys:
        if key.name != name and wanted in (portable(key.sequence), portable(key.also)):
            return f"{shown(wanted)} already means: {key.meaning}. Choose another, or change that one first."
    return ""


def shown(sequence: str) -> str:
    """A key as the desktop writes it."""
    return QKeySequence(sequence).toString(QKeySequence.SequenceFormat.NativeText)


def keys_shown(key: Key) -> str:
    """All keys for one thing."""
    return ", ".join(shown(each) for each in (key.sequence, key.also) if each) or "none"
