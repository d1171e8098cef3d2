"""File names of any bytes and moments, on their way into the database and back."""

import os
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import postgresql, sqlite

from scanner.base.addresses.stored_paths import decode_path, encode_path
from scanner.database.columns import UtcDateTime

# What the operating system allows in a name: any bytes but NUL. Backslashes and our own escapes come often, to provoke clashes.
NAMES = st.lists(
    st.sampled_from(
        [b"\\", b"\\\\", b"\\udcff", b"u", b"dcff", b"\xff", b"\xed\xb3\xbf", "é".encode(), "🙂".encode(), b"\n", b"'"]
    )
    | st.binary(max_size=4).map(lambda some: some.replace(b"\0", b"")),
    max_size=8,
).map(lambda parts: os.fsdecode(b"".join(parts)))


@given(NAMES)
def test_a_name_of_any_bytes_comes_back_as_it_was(name: str) -> None:
    stored = encode_path(name)
    assert decode_path(stored) == name
    stored.encode("utf-8")  # every database takes it


@given(NAMES, NAMES)
def test_two_names_never_share_one_stored_form(one: str, other: str) -> None:
    assert (encode_path(one) == encode_path(other)) == (one == other)


@given(NAMES, NAMES)
def test_folder_keeps_its_beginning(folder: str, name: str) -> None:
    """What lies in a folder keeps the folders beginning."""
    assert encode_path(f"{folder}/{name}").startswith(encode_path(folder) + "/")


@pytest.mark.parametrize("name", ["/home/anna/photo.jpg", "Urlaub ☀ 2026/größe.png", "new\nline 'quote\" %5B*", "udcff", ""])
def test_ordinary_names_stay_as_they_are(name: str) -> None:
    assert encode_path(name) == name


def test_bytes_and_their_escapes_differ() -> None:
    """Bytes that are not utf8 and text that looks like their escape differ."""
    assert encode_path(os.fsdecode(b"a\xff")) == "a\\udcff"
    assert encode_path("a\\udcff") == "a\\\\udcff"


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        UtcDateTime().process_bind_param(datetime(2026, 11, 1), sqlite.dialect())


def test_a_moment_is_stored_and_read_back_in_utc() -> None:
    noon_in_berlin = datetime(2026, 11, 1, 12, tzinfo=timezone(timedelta(hours=1)))
    stored = UtcDateTime().process_bind_param(noon_in_berlin, sqlite.dialect())
    assert stored is not None
    assert stored.isoformat() == "2026-11-01T11:00:00+00:00"
    kept = {sqlite.dialect(): "2026-11-01 11:00:00.000000", postgresql.dialect(): noon_in_berlin}  # SQLite keeps no zone
    for dialect, value in kept.items():
        read = UtcDateTime().result_processor(dialect, None)(value)
        assert read == noon_in_berlin
        assert read is not None
        assert read.tzinfo is UTC
