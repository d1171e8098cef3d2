"""Moments as people write them."""

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scanner.reports.dates import DateNotUnderstood, parse_moment

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 25, 14, 30, 5, tzinfo=BERLIN)  # a Wednesday


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("today", "2026-11-25T00:00:00+01:00"),
        ("yesterday", "2026-11-24T00:00:00+01:00"),
        ("  Yesterday ", "2026-11-24T00:00:00+01:00"),
        ("7d", "2026-11-18T14:30:05+01:00"),
        ("3 days ago", "2026-11-22T14:30:05+01:00"),
        ("2 hours ago", "2026-11-25T12:30:05+01:00"),
        ("30 minutes ago", "2026-11-25T14:00:05+01:00"),
        ("12h", "2026-11-25T02:30:05+01:00"),
        ("now", "2026-11-25T14:30:05+01:00"),
        ("monday", "2026-11-23T00:00:00+01:00"),
        ("last monday", "2026-11-23T00:00:00+01:00"),
        ("Last  Friday", "2026-11-20T00:00:00+01:00"),
        ("2 weeks ago", "2026-11-11T00:00:00+01:00"),
        ("2w", "2026-11-11T00:00:00+01:00"),
        ("6 W", "2026-10-14T00:00:00+02:00"),
        ("1y", "2025-11-25T00:00:00+01:00"),
        ("2 years", "2024-11-25T00:00:00+01:00"),
        ("nov 1 2026", "2026-11-01T00:00:00+01:00"),
        ("2nd of november", "2026-11-02T00:00:00+01:00"),
        ("yesterday at 3pm", "2026-11-24T15:00:00+01:00"),
        ("9am", "2026-11-25T09:00:00+01:00"),
        ("2026-11-01", "2026-11-01T00:00:00+01:00"),
        ("20261101", "2026-11-01T00:00:00+01:00"),
        ("2026-11-01 14:30", "2026-11-01T14:30:00+01:00"),
        ("2026-11-01T14:30:00Z", "2026-11-01T14:30:00+00:00"),
        ("2026-07-01", "2026-07-01T00:00:00+02:00"),  # the zone's offset of that day, not of today
    ],
)
def test_what_people_write(text: str, meant: str) -> None:
    found = parse_moment(text, NOW)
    assert found.isoformat() == meant
    assert found.utcoffset() is not None


@pytest.mark.parametrize(("text", "meant"), [("2026", "2026-01-01"), ("2026-11", "2026-11-01"), ("november 2026", "2026-11-01")])
def test_a_month_or_a_year_means_its_beginning(text: str, meant: str) -> None:
    assert parse_moment(text, NOW).isoformat() == f"{meant}T00:00:00+01:00"


@pytest.mark.parametrize("text", ["nonsense", "", "   ", "3 dayss", "2026-13-01", "--since"])
def test_what_cannot_be_understood_is_said_with_examples(text: str) -> None:
    with pytest.raises(DateNotUnderstood, match="yesterday, 7d, last monday or 2026-11-01"):
        parse_moment(text, NOW)


@pytest.mark.parametrize("text", ["0001-01-01", "9999-12-31", "99999d", "99999 days ago", "99999999 days ago", "9999 years ago"])
def test_a_date_far_away_is_a_moment_or_not_understood(text: str) -> None:
    for zone in (BERLIN, ZoneInfo("America/New_York")):
        try:
            found = parse_moment(text, NOW.replace(tzinfo=zone))
        except DateNotUnderstood:
            continue
        found.astimezone(ZoneInfo("UTC"))  # what the database will ask of it


@pytest.mark.parametrize("now", ["2026-03-29 12:00", "2026-10-25 12:00", "2026-03-30 00:30", "2026-10-26 00:30"])
def test_days_begin_at_midnight_also_where_clocks_change(now: str) -> None:
    moment = datetime.fromisoformat(now).replace(tzinfo=BERLIN)
    for text, days in (("today", 0), ("yesterday", 1)):
        expected = datetime.combine(moment.date() - timedelta(days=days), datetime.min.time(), BERLIN)
        assert parse_moment(text, moment).timestamp() == expected.timestamp()


@pytest.mark.parametrize(
    "text",
    [
        "today",
        "yesterday",
        "1d",
        "7d",
        "3 days ago",
        "2 hours ago",
        "monday",
        "last monday",
        "sunday",
        "last week",
        "1 month ago",
    ],
)
@given(
    now=st.datetimes(
        min_value=datetime(2000, 1, 1),
        max_value=datetime(2050, 1, 1),
        timezones=st.sampled_from(
            [BERLIN, ZoneInfo("America/New_York"), ZoneInfo("UTC"), timezone(timedelta(hours=5, minutes=45))]
        ),
    )
)
@example(now=datetime(2026, 11, 23, 0, 0, tzinfo=BERLIN))  # the very beginning of a Monday
@example(now=datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=BERLIN))  # an hour that comes twice
def test_past_phrases_never_mean_the_future(text: str, now: datetime) -> None:
    found = parse_moment(text, now)
    assert found.utcoffset() is not None
    assert found.timestamp() <= now.timestamp()
