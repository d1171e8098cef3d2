"""Settings: flags over `DFSCAN_*` environment over `config.toml` over defaults."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import platformdirs

from .errors import KnownError

PREFIX = "DFSCAN_"
_PASSWORD = re.compile(r"(://[^:/@]*:).*@")
_PASSWORD_PARAMETER = re.compile(r"([?&]password=)[^&]*")


class SettingsError(KnownError):
    """A setting that cannot be understood."""


@dataclass(frozen=True)
class Settings:
    """Everything that can be set. Times are in seconds."""

    data_dir: Path
    database_url: str = ""  # empty: SQLite in data_dir
    broker_url: str = ""  # empty: the embedded broker in data_dir
    model: str = "lite"  # name of a bundled or imported checkpoint, or a path to one
    device: str = "auto"
    batch_size: int = 16
    decoders: int = 2
    settle_seconds: float = 2.0
    sweep_seconds: float = 3600.0
    reconcile_seconds: float = 2.0
    lease_seconds: float = 120.0
    max_attempts: int = 5
    max_megapixels: float = 256.0
    max_file_megabytes: float = 512.0
    decode_seconds: float = 60.0
    decode_megabytes: int = 3072
    ignore: tuple[str, ...] = ("@eaDir", "#recycle", "lost+found", "Thumbs.db", "desktop.ini")
    clip_weights: str = ""

    @property
    def url(self) -> str:
        """The database's SQLAlchemy URL."""
        return self.database_url or f"sqlite:///{self.data_dir / 'dfscan.sqlite'}"


@dataclass(frozen=True)
class Sourced:
    """One setting as `config show` prints it: `source` is flag, environment, config file or default."""

    name: str
    value: Any
    source: str


def config_file() -> Path:
    """Where the user's config.toml is looked for."""
    return platformdirs.user_config_path("dfscan") / "config.toml"


def load_settings(flags: Mapping[str, Any], environment: Mapping[str, str], config: Path) -> Settings:
    """Merge all sources. Flags that are None do not count. Raises SettingsError for unknown keys and bad values."""
    return Settings(**{item.name: item.value for item in sourced_settings(flags, environment, config)})


def sourced_settings(flags: Mapping[str, Any], environment: Mapping[str, str], config: Path) -> list[Sourced]:
    """Every setting with where its value comes from. Raises SettingsError."""
    in_file = _read_config(config)
    result = []
    for field in fields(Settings):
        variable = PREFIX + field.name.upper()
        default = platformdirs.user_data_path("dfscan") if field.name == "data_dir" else field.default
        if flags.get(field.name) is not None:
            raw, source = flags[field.name], "flag"
        elif environment.get(variable):
            raw, source = environment[variable], f"environment {variable}"
        elif field.name in in_file:
            raw, source = in_file[field.name], str(config)
        else:
            raw, source = default, "default"
        result.append(Sourced(field.name, _converted(field.name, raw, type(default), source), source))
    return result


def without_password(value: str) -> str:
    """A URL with its password replaced, fit for logs and `config show`."""
    # By hand: urlsplit does not find a password with / ? # or [ in it, which SQLAlchemy takes.
    return _PASSWORD_PARAMETER.sub(r"\1***", _PASSWORD.sub(r"\1***@", value))


def _read_config(config: Path) -> dict[str, Any]:
    try:
        content = tomllib.loads(config.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise SettingsError(f"{config} cannot be read: {error}") from None
    known = {field.name for field in fields(Settings)}
    unknown = sorted(set(content) - known)
    if unknown:
        raise SettingsError(
            f"{config} sets {', '.join(unknown)}, which does not exist; the settings are {', '.join(sorted(known))}"
        )
    return content


def _converted(name: str, raw: Any, kind: Any, source: str) -> Any:
    try:
        if issubclass(kind, Path):
            # Absolute, because workers and the service run in other folders.
            return Path(raw).expanduser().absolute()
        if isinstance(raw, bool) or (kind is int and isinstance(raw, float)):
            raise TypeError
        if kind is tuple:
            parts = raw.split(",") if isinstance(raw, str) else raw
            return tuple(str(part).strip() for part in parts if str(part).strip())
        value = kind(raw)
    except (TypeError, ValueError, RuntimeError):
        raise SettingsError(f"{name} = {raw!r} ({source}) is not a {kind.__name__}; correct it there") from None
    if kind in (int, float) and not value > 0:  # not a number is not above zero either
        raise SettingsError(f"{name} = {raw!r} ({source}) must be above zero; correct it there")
    return value
