"""Moments as people write them: `yesterday`, `7d`, `last monday`, `2026-11-01`."""

import re
from datetime import UTC, datetime, time, timedelta, tzinfo

from ..base.errors import KnownError

_DAYS_AGO = re.compile(r"(\d{1,5})\s*d(?:ays?)?(?:\s+ago)?", re.IGNORECASE)


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
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        moment = _parse_words(words, now)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=zone)
    try:
        moment.astimezone(UTC)
    except OverflowError:
        raise DateNotUnderstood(f"{words!r} is too far away; {_EXAMPLES}") from None
    return moment


def _local_midnight(day: datetime, zone: tzinfo | None) -> datetime:
    return datetime.combine(day.date(), time(), zone)


def _parse_words(words: str, now: datetime) -> datetime:
    from dateparser.date import DateDataParser

    settings = {"PREFER_DATES_FROM": "past", "RELATIVE_BASE": now.replace(tzinfo=None), "RETURN_TIME_AS_PERIOD": True}
    # "last monday" is the monday before today; dateparser knows "monday" and looks back.
    found = DateDataParser(languages=["en"], settings=settings).get_date_data(re.sub(r"^last (?=\w+day$)", "", words))
    # A date in ISO's form that is none (2026-13-01) is a mistake, not 13 January.
    if found.date_obj is None or re.match(r"\d{4}-\d+-\d", words):
        raise DateNotUnderstood(f"{words!r} is no date that can be understood; {_EXAMPLES}")
    moment: datetime = found.date_obj
    if found.period in ("month", "year") and "ago" not in words:
        moment = moment.replace(day=1) if found.period == "month" else moment.replace(month=1, day=1)
    if found.period == "time" or re.search(r"hour|minute|second", words):
        return moment
    return datetime.combine(moment.date(), time(), moment.tzinfo)
