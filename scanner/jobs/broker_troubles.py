"""One classification of what goes wrong with a broker: nothing of it is a file's fault, and none of it ends a worker."""

from typing import Any

from kombu.exceptions import ChannelError, OperationalError

from ..base.addresses.redaction import without_passwords
from ..base.troubles import BUG, TRANSIENT, Kind, Trouble

UNREADABLE_URL = (
    "the broker's URL cannot be understood; correct DFSCAN_BROKER_URL, or give its parts (DFSCAN_BROKER_HOST, _PASSWORD, ...)"
)
# What kombu lets through of a broker, a network, or an odd parameter in the URL (the last two).
_ERRORS = (OperationalError, ChannelError, OSError, ValueError, TypeError)
# By the word that Redis begins its answer with (https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors).
_ANSWERS = {
    "OOM": Trouble(Kind.PERMANENT, "Redis has no memory left: raise its maxmemory, or empty it of what others keep there"),
    "MISCONF": Trouble(Kind.PERMANENT, "Redis cannot write to its disk: free space there"),
    "READONLY": Trouble(Kind.PERMANENT, "it is a replica: name the master in DFSCAN_BROKER_URL"),
    "NOREPLICAS": TRANSIENT,
    "MASTERDOWN": TRANSIENT,
    "LOADING": TRANSIENT,
    "BUSY": TRANSIENT,
    "CLUSTERDOWN": TRANSIENT,
    "NOAUTH": Trouble(Kind.PERMANENT, "look at the password in DFSCAN_BROKER_URL"),
    "WRONGPASS": Trouble(Kind.PERMANENT, "look at user and password in DFSCAN_BROKER_URL"),
    "NOPERM": Trouble(Kind.PERMANENT, "its user needs the commands of a queue (ACL: ~* &* +@all)"),
    "WRONGTYPE": Trouble(Kind.PERMANENT, "other programs use its database; name one of dfscan's own in DFSCAN_BROKER_URL"),
}
# What redis-py makes of some answers, whose first word it takes off.
_SENTENCES = {"command not allowed when used memory": "OOM", "Authentication": "NOAUTH", "invalid username-password": "WRONGPASS"}


def broker_errors(connection: Any) -> tuple[type[BaseException], ...]:
    """The exceptions by which this connection of kombu's says that something is wrong with the broker."""
    return (*_ERRORS, *connection.connection_errors, *connection.channel_errors)


def classified(error: BaseException) -> Trouble:
    """What one of them means."""
    said = str(error)
    first = said.partition(" ")[0].removeprefix("-")
    for sentence, word in _SENTENCES.items():
        if sentence.lower() in said.lower():
            first = word
    if first in _ANSWERS:
        return _ANSWERS[first]
    return BUG if isinstance(error, ValueError | TypeError) else TRANSIENT


def in_words(error: BaseException) -> str:
    """One line: what was said, and what mends it."""
    if isinstance(error, ValueError | TypeError):
        return UNREADABLE_URL
    said = without_passwords(" ".join(str(error).split())) or type(error).__name__
    trouble = classified(error)
    return f"{said}; {trouble.advice}" if trouble.advice else said
