"""No password and no other secret is shown."""

import pytest

from scanner.base.addresses.redaction import without_password, without_passwords


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://anna:secret@db.example:5432/dfscan", "postgresql://anna:***@db.example:5432/dfscan"),
        ("redis://:secret@127.0.0.1:6379/0", "redis://:***@127.0.0.1:6379/0"),
        ("postgresql://anna:se%40c:ret@db/x?sslmode=require", "postgresql://anna:***@db/x?sslmode=require"),
        ("postgresql://anna@db/x", "postgresql://anna@db/x"),
        ("sqlite:////data/dfscan.sqlite", "sqlite:////data/dfscan.sqlite"),
        ("", ""),
    ],
)
def test_a_url_is_shown_without_its_password(url: str, shown: str) -> None:
    assert without_password(url) == shown


@pytest.mark.parametrize("password", ["sec/ret", "sec#ret", "sec?ret", "sec@ret", "sec[ret"])
def test_a_password_with_a_special_character_is_not_shown_either(password: str) -> None:
    assert "ret" not in without_password(f"postgresql://anna:{password}@db/x")


SECRETS = (
    "postgresql://anna@db/x?password=HIDE",
    "postgresql://db/x?user=anna&sslpassword=HIDE&sslmode=require",
    "postgresql://db/x?ssl_keyfile_password=HIDE",
    "postgresql://db/x?PASSWORD=HIDE",
    "redis://anna:HIDE@127.0.0.1/0",
    "redis://127.0.0.1/0?password=HIDE&db=1",
    "redis://h/0?aws_secret_access_key=HIDE&session_token=HIDE",
    "postgresql:/anna:HIDE@db/x",
    "postgresql:anna:HIDE@db/x",
    "POSTGRESQL://anna:HIDE@db/x",
    "postgressql+psycopg://anna:a@b:HIDE@db/x",
    "anna:HIDE@db/x",
    "redis://:HIDE/x@h",
    "rediss://:a b HIDE@h/0",
    "host=db password=HIDE user=anna",
    "host=db password='two words HIDE' user=anna",
)


@pytest.mark.parametrize("value", SECRETS)
def test_no_form_of_a_secret_is_shown(value: str) -> None:
    shown = without_password(value)
    assert "HIDE" not in shown
    assert "***" in shown
    if " " not in value and ":/" in value:
        assert "HIDE" not in without_passwords(f"the broker cannot be reached: {value} (refused)")


@pytest.mark.parametrize(
    "value", ["postgresql://anna@db/x?sslmode=require", "redis://h/0?sslkey=/a.pem", "", "sqlite:////a@b:c.sqlite"]
)
def test_what_is_no_secret_stays(value: str) -> None:
    assert without_password(value) == value
