"""Moments as people write them: `yesterday`, `7d`, `last monday`, `2026-11-01`."""

import re
from datetime import UTC, datetime, time, timedelta, tzinfo

from ..base.errors import KnownError

_DAYS_AGO = re.compile(r"(\d{1,5})\s*d(?:ays?)?(?:\s+ago)?", re.IGNORECASE)


# Two or three numbers that are no date in ISO's form; what follows may be a time.
_NUMBERS = re.compile(r"(\d{1,4})[./ -] ?(\d{1,2})(?:[./ -] ?(\d{2,4})?)?(?P<rest>(?: .*|t.*)?)")
_SHORT_YEAR = 1000

_EXAMPLES = "write yesterday, 7d, last monday or 2026-11-01"


class DateNotUnderstood(KnownError):
    """A date that cannot be read."""


def parse_moment(text: str, now: datetime) -> datetime:
    """The moment that `text` means at `now` (with its zone). A day means its beginning, in the zone of `now`.

    Raises DateNotUnderstood.
    """
    words = " ".join(text.lower().split())
    zone = now.tzinfo
    today = datetime.combine(now.date(), time(), zone)
    # The commonest words need no library, which takes longer to import than a report to run.
    if words in ("today", "yesterday"):
        return _local_midnight(today - timedelta(days=words == "yesterday"), zone)
    if days := _DAYS_AGO.fullmatch(words):
        return now - timedelta(days=int(days[1]))
    words = _in_iso_form(words)
    try:
        moment = datetime.fromisoformat(words.upper())
    except ValueError:
        moment = _parse_words(words, now)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=zone)
    try:
        moment.astimezone(UTC)
    except OverflowError:
        raise DateNotUnderstood(f"{words!r} is too far away; {_EXAMPLES}") from None
    return moment


def _in_iso_form(words: str) -> str:
    """A date of numbers as ISO writes it. Raises DateNotUnderstood where countries read it differently."""
    if re.fullmatch(r"\d{1,3}m?", words):
        raise DateNotUnderstood(f"{words!r} may mean days, minutes, months or a year; {_EXAMPLES}")
    numbers = _NUMBERS.fullmatch(words)
    if numbers is None or re.match(r"\d{4}-\d\d(-|$)", words):
        return words
    first, second, third = int(numbers[1]), int(numbers[2]), int(numbers[3] or 0)
    if first >= _SHORT_YEAR and third:
        year, month, day = first, second, third
    elif third < _SHORT_YEAR:
        raise DateNotUnderstood(f"{words!r} does not say which number is the year; {_EXAMPLES}")
    elif first > 12 or first == second:
        year, month, day = third, second, first
    elif second > 12:
        year, month, day = third, first, second
    else:
        either, other = f"{third:04}-{second:02}-{first:02}", f"{third:04}-{first:02}-{second:02}"
        raise DateNotUnderstood(f"{words!r} is {either} in some countries and {other} in others; write which")
    return f"{year:04}-{month:02}-{day:02}{numbers['rest']}"


def as_read(moment: datetime) -> str:
    """A moment as it was understood, for whoever wrote it."""
    return f"{moment:%A} {moment.isoformat(sep=' ', timespec='minutes')}"


def _local_midnight(day: datetime, zone: tzinfo | None) -> datetime:
    return datetime.combine(day.date(), time(), zone)


def _parse_words(words: str, now: datetime) -> datetime:
    from dateparser.date import DateDataParser

    settings = {"PREFER_DATES_FROM": "past", "RELATIVE_BASE": now.replace(tzinfo=None), "RETURN_TIME_AS_PERIOD": True}
    # "last monday" is the monday before today; dateparser knows "monday" and looks back.
    known = re.sub(r"^(\d+) ?w$", r"\1 weeks", re.sub(r"^last (?=\w+day$)", "", words))
    found = DateDataParser(languages=["en"], settings=settings).get_date_data(known)
    # A date in ISO's form that is none (2026-13-01) is a mistake, not 13 January.
    if found.date_obj is None or re.match(r"\d{4}-\d+-\d", words):
        raise DateNotUnderstood(f"{words!r} is no date that can be understood; {_EXAMPLES}")
    moment: datetime = found.date_obj
    is_span = "ago" in words or re.match(r"(\d+|an?|one) |\d+[a-z]", words)
    if found.period in ("month", "year") and not is_span:
        moment = moment.replace(day=1) if found.period == "month" else moment.replace(month=1, day=1)
    if found.period == "time" or re.search(r"hour|minute|second", words):
        return moment
    return datetime.combine(moment.date(), time(), moment.tzinfo)
