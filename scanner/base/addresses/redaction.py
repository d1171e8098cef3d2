"""What may be shown of URLs and of texts with URLs in them: no password and no other secret."""

import re

# Up to the last @: a password may hold any character, also one that ends a URL's host elsewhere.
_USER_AND_PASSWORD = re.compile(r"(:/{1,3}[^:/@\s]*:).*@", re.DOTALL)
_MISSPELT = re.compile(r"^([a-z0-9+.-]+:)?[^:/@\s]*:.*@", re.IGNORECASE | re.DOTALL)
_URL = re.compile(r"\b[a-z][a-z0-9+.-]*:/{1,3}\S+", re.IGNORECASE)
# Of URLs (password=, sslpassword=, ssl_keyfile_password=) and of what libpq calls a connection string.
_SECRET_PARAMETER = re.compile(r"((?<![a-z0-9_])\w*(?:pass|secret|key|token)\w*=)(?:'[^']*'|[^&\s;,'\"]*)", re.IGNORECASE)
_NO_SECRETS = ("sslkey=", "ssl_keyfile=", "keyspace=")


def without_password(value: str) -> str:
    """A URL with its password replaced, fit for logs and `config show`."""
    # By hand: urlsplit does not find a password with / ? # or [ in it, which SQLAlchemy takes.
    shown = _USER_AND_PASSWORD.sub(r"\1***@", value)
    if "/" not in shown.partition("@")[0]:  # a scheme that is mistyped, or forgotten
        shown = _MISSPELT.sub(r"\1***@", shown)
    return _without_secret_parameters(shown)


def _without_secret_parameters(text: str) -> str:
    return _SECRET_PARAMETER.sub(lambda found: found[0] if found[1].lower() in _NO_SECRETS else f"{found[1]}***", text)


def without_passwords(text: str) -> str:
    """`text` with the password of each URL in it replaced, fit for logs."""
    shown = _URL.sub(lambda url: without_password(url[0]), text) if ":/" in text else text
    return _without_secret_parameters(shown) if "=" in shown else shown
