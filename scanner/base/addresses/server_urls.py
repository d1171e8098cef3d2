"""URLs of servers out of their parts, so that a password may hold any character; what reads them (SQLAlchemy, kombu, redis-py)
takes percent-encoded parts back to what they were."""

from urllib.parse import quote


def postgres_url(*, host: str, port: int, name: str, user: str, password: str) -> str:
    """The URL of a database `name`; a `host` that is a path is the folder of a socket."""
    if host.startswith("/"):
        return f"postgresql://{_login(user, password)}/{quote(name, safe='')}?host={quote(host, safe='')}&port={port}"
    return f"postgresql://{_login(user, password)}{_bracketed(host)}:{port}/{quote(name, safe='')}"


def redis_url(*, host: str, port: int, user: str, password: str, is_master_of: str = "") -> str:
    """The URL of a Redis; of a Sentinel, where `host` `is_master_of` says under which name it knows the master."""
    if host.startswith("/"):
        return f"redis+socket://{_login(user, password)}{quote(host, safe='/')}"
    scheme = "sentinel" if is_master_of else "redis"
    return f"{scheme}://{_login(user, password)}{_bracketed(host)}:{port}/0"


def _login(user: str, password: str) -> str:
    secret = f":{quote(password, safe='')}" if password else ""
    return f"{quote(user, safe='')}{secret}@" if user or secret else ""


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host
