"""Passwords of any characters, as those who read the URLs understand them."""

import json
from pathlib import Path

import pytest
from kombu.utils.url import parse_url
from redis import ConnectionPool
from sqlalchemy import make_url

from scanner.base.addresses.server_urls import postgres_url, redis_url
from scanner.base.settings import load_settings
from scanner.database.engine import DatabaseUnavailable, open_database
from scanner.jobs.queue import BrokerUrlError, make_app, wake, why_unreachable

PASSWORDS = ["plain", "a@b/c#d?e[f]g%h:i", "%40", "é猫 +&=;", "'\"\\$`", "@", "//"]


@pytest.mark.parametrize("password", PASSWORDS)
@pytest.mark.parametrize("user", ["dfscan", "d@f:s/c"])
@pytest.mark.parametrize("host", ["db", "::1"])
def test_every_reader_has_them_back(password: str, user: str, host: str) -> None:
    database = make_url(postgres_url(host=host, port=5433, name="d/f?s", user=user, password=password))
    assert (database.username, database.password, database.host, database.port, database.database) == (
        user,
        password,
        host,
        5433,
        "d/f?s",
    )
    url = redis_url(host=host, port=6380, user=user, password=password)
    broker = parse_url(url)
    assert (broker["userid"], broker["password"], broker["hostname"], broker["port"]) == (user, password, host, 6380)
    direct = ConnectionPool.from_url(url).connection_kwargs
    assert (direct["username"], direct["password"], direct["host"], direct["port"]) == (user, password, host, 6380)


def test_a_socket_is_a_host_that_is_a_path() -> None:
    found = make_url(postgres_url(host="/run/a b", port=5432, name="dfscan", user="u", password=""))
    assert (found.query["host"], found.database, found.password) == ("/run/a b", "dfscan", None)


def test_settings_are_the_parts(tmp_path: Path) -> None:
    parts = {"HOST": "db", "PASSWORD": "p@ss/w%rd"}
    environment = {f"DFSCAN_{server}_{name}": value for server in ("DATABASE", "BROKER") for name, value in parts.items()}
    found = load_settings({"data_dir": tmp_path}, environment, tmp_path / "none")
    assert make_url(found.url).password == parse_url(found.broker)["password"] == "p@ss/w%rd"
    given = load_settings({"data_dir": tmp_path, "broker_url": "redis://other/0"}, environment, tmp_path / "none")
    assert given.broker == "redis://other/0"


@pytest.mark.parametrize("url", ["postgresql://u:s3cr/et@db:port/x", "postgres//u:s3cret@db", "s3cret", "mysql://u:s3cret@db/x"])
def test_a_database_url_that_cannot_be_read_is_not_shown(url: str) -> None:
    with pytest.raises(DatabaseUnavailable) as said:
        open_database(url)
    assert "s3cr" not in str(said.value)
    assert "DFSCAN_DATABASE_URL" in str(said.value)


@pytest.mark.parametrize("url", ["redis://:s3cret/x@host:12:13", "redis://:s3cret[@host", "s3cret", "s3cret://host"])
def test_a_broker_url_that_cannot_be_read_is_not_shown(url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    settings = load_settings({"data_dir": tmp_path, "broker_url": url}, {}, tmp_path / "none")
    said = []
    for tries in (lambda: wake(make_app(settings)), lambda: said.append(why_unreachable(settings))):
        try:
            tries()
        except BrokerUrlError as error:
            said.append(str(error))
    assert "s3cret" not in json.dumps(said) + caplog.text
    assert "DFSCAN_BROKER_URL" in json.dumps(said) + caplog.text
