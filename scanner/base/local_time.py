"""The zone of this machine, as its C library knows it: also of a TZ that no library of Python takes (CET-1, a misspelt name)."""

import os
import re
from datetime import UTC, datetime, timedelta, tzinfo

# https://pubs.opengroup.org/onlinepubs/9799919799/basedefs/V1_chap08.html: a name of letters, or of more within <>, and an offset
_POSIX = re.compile(r"(?:[A-Za-z]{3,}|<[^>]+>)[+-]?\d")


class LocalZone(tzinfo):
    """With its rules, not only the offset of today."""

    def utcoffset(self, moment: datetime | None) -> timedelta:
        """The offset that held, or will hold, at `moment`."""
        return _offset(datetime.now() if moment is None else moment.replace(tzinfo=None))  # noqa: DTZ005  (local on purpose)

    def dst(self, moment: datetime | None) -> timedelta | None:
        """Not told apart."""
        return None

    def tzname(self, moment: datetime | None) -> str:
        """The zone's abbreviation."""
        return (datetime.now() if moment is None else moment.replace(tzinfo=None)).astimezone().tzname() or ""  # noqa: DTZ005

    def fromutc(self, moment: datetime) -> datetime:
        """UTC, said to be of this zone, as its clocks show it."""
        told = moment.replace(tzinfo=UTC).astimezone()
        local = told.replace(tzinfo=self)
        return local if local.utcoffset() == told.utcoffset() else local.replace(fold=1)


def _offset(naive: datetime) -> timedelta:
    try:
        return naive.astimezone().utcoffset() or timedelta(0)
    except (OverflowError, ValueError, OSError):  # the first and the last days of all
        return datetime.now(UTC).astimezone().utcoffset() or timedelta(0)


def unknown_zone() -> str | None:
    """The environment's TZ if no one here knows it, so that the C library takes UTC; None otherwise."""
    named = os.environ.get("TZ", "").removeprefix(":")
    if not named or os.path.isabs(named) or _POSIX.match(named):
        return None
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(named)
    except (OSError, ValueError, KeyError):
        return named
    return None
