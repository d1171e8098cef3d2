"""Settings: flags over `DFSCAN_*` environment over `config.toml` over what `dfscan` was told to remember over defaults.

A process hands its settings to its children as one JSON object in `DFSCAN_SETTINGS`, which goes before the single variables.
"""

import json
import os
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import platformdirs

from .access.private import own_text
from .addresses.server_urls import postgres_url, redis_url
from .addresses.sqlite_urls import SqliteUrlNotMeant, sqlite_path, sqlite_url
from .addresses.system_folders import NOT_PICTURES, SNAPSHOTS, TRASHES
from .addresses.user_paths import PathNotMeant, user_path
from .choices import choices_file
from .errors import KnownError
from .machine import cores, usual_decoders

if TYPE_CHECKING:
    from cattrs import Converter

PREFIX = "DFSCAN_"
HANDED_DOWN = f"{PREFIX}SETTINGS"

# What has a meaning elsewhere: to the log, to tests, in compose.yaml, between our own processes.
_OTHER_VARIABLES = tuple(PREFIX + name for name in ("LOG_JSON", "UMASK", "TEST_", "PICTURES", "PASSWORD", "SETTINGS", "FLAGGED_"))

# Files and folders that are named by a path; a service runs in another folder.
_FILES = ("broker_ca_file", "cache_dir", "clip_weights")


class SettingsError(KnownError):
    """A setting that cannot be understood."""


@dataclass(frozen=True)
class Settings:
    """Everything that can be set. Times are in seconds."""

    data_dir: Path
    database_url: str = ""  # empty: SQLite in data_dir
    database_host: str = ""  # instead of a URL: a Postgres server, or the folder of its socket
    database_port: int = 5432
    database_name: str = "dfscan"
    database_user: str = "dfscan"
    database_password: str = ""
    broker_url: str = ""  # empty: the embedded broker in data_dir
    broker_host: str = ""  # instead of a URL: a Redis, or its socket
    broker_port: int = 6379
    broker_user: str = ""
    broker_password: str = ""
    broker_master: str = ""  # the name of the master that Sentinels know (sentinel://...)
    broker_ca_file: str = ""  # whom to trust with rediss://; empty: whom the system trusts
    model: str = ""  # name of a bundled or imported checkpoint, or a path to one; empty: the best bundled one that can run here
    device: str = "auto"
    runtime: str = "auto"  # what runs the network: torch, torch-bf16, onnxruntime, onnxruntime-int16, or auto
    batch_size: int = 64  # at most: as many as are done in about a second, and as memory takes
    decoders: int = usual_decoders(cores())
    scaled_decode: bool = True  # large JPEGs at a smaller scale with enough pixels; else in full, which is slower
    faces: bool = True  # look for faces and score them; else each picture as a whole
    settle_seconds: float = 2.0
    sweep_seconds: float = 3600.0
    poll_seconds: float = 60.0  # between the sweeps of a root that gives no events
    watch_mode: str = "auto"  # events, polled, or auto: by the file system
    reconcile_seconds: float = 2.0
    lease_seconds: float = 120.0
    max_attempts: int = 5
    max_megapixels: float = 256.0
    max_file_megabytes: float = 512.0
    decode_seconds: float = 60.0  # of CPU time, or without progress
    decode_megabytes: int = 3072
    videos: bool = False  # whether videos are scored, too
    video_frames: int = 16  # how many frames of a video are looked at
    video_seconds: float = 120.0  # the same for all of them together
    max_video_megabytes: float = 4000.0
    ignore: tuple[str, ...] = (*NOT_PICTURES, *TRASHES, *SNAPSHOTS)
    path_map: tuple[str, ...] = ()  # HERE=THERE: what the scanner calls HERE is at THERE on this worker's machine
    file_seconds: float = 300.0  # how long a worker may wait for one piece of a file
    batch_seconds: float = 1800.0  # how long a worker may take for one batch
    hang_seconds: float = 90.0  # a worker without a sign of life, or that lets files wait, for this long is replaced
    worker_megabytes: int = 8192  # a worker that has grown beyond this is replaced
    on_flagged: str = ""  # a command that a worker runs for each file that it flags
    on_flagged_seconds: float = 30.0  # how long that may take
    clip_weights: str = ""
    cache_dir: str = ""  # of networks made ready for their runtime; empty: `cache` in data_dir
    metrics_address: str = ""  # HOST:PORT of this machine for Prometheus metrics and /healthz of `watch`; empty: none

    @property
    def url(self) -> str:
        """The database's SQLAlchemy URL."""
        if self.database_host and not self.database_url:
            return postgres_url(
                host=self.database_host,
                port=self.database_port,
                name=self.database_name,
                user=self.database_user,
                password=self.database_password,
            )
        return self.database_url or sqlite_url(self.data_dir / "dfscan.sqlite")

    @property
    def broker(self) -> str:
        """The broker's URL; empty for the embedded one."""
        if self.broker_url or not self.broker_host:
            return self.broker_url
        return redis_url(
            host=self.broker_host,
            port=self.broker_port,
            user=self.broker_user,
            password=self.broker_password,
            is_master_of=self.broker_master,
        )

    @property
    def cache(self) -> Path:
        """A folder that may be emptied at any time."""
        return Path(user_path(self.cache_dir)) if self.cache_dir else self.data_dir / "cache"


@dataclass(frozen=True)
class Sourced:
    """One setting as `config show` prints it: `source` is flag, environment, config file or default."""

    name: str
    value: Any
    source: str


def config_file() -> Path:
    """Where the user's config.toml is looked for."""
    try:
        folder = platformdirs.user_config_path("dfscan")
    except RuntimeError:  # a user without a home, as in a container
        folder = platformdirs.site_config_path("dfscan")
    return folder / "config.toml"


def load_settings(flags: Mapping[str, Any], environment: Mapping[str, str], config: Path) -> Settings:
    """Merge all sources. Flags that are None do not count. Raises SettingsError for unknown keys and bad values."""
    return Settings(**{item.name: item.value for item in sourced_settings(flags, environment, config)})


def sourced_settings(flags: Mapping[str, Any], environment: Mapping[str, str], config: Path) -> list[Sourced]:
    """Every setting with where its value comes from. Raises SettingsError."""
    handed_down = _handed_down(environment)
    files = [(config, _read_config(config))]
    named = [*(source.get("data_dir") for source in (flags, handed_down, files[0][1])), environment.get(PREFIX + "DATA_DIR")]
    is_given = any(value not in (None, "") for value in named)
    default = Path() if is_given else platformdirs.user_data_path("dfscan")  # which asks for a home
    data_dir = _sourced("data_dir", default, flags, handed_down, environment, files)
    chosen = choices_file(data_dir.value)
    files.append((chosen, _read_config(chosen)))
    others = [field for field in fields(Settings) if field.name != "data_dir"]
    return [data_dir, *(_sourced(field.name, field.default, flags, handed_down, environment, files) for field in others)]


def _handed_down(environment: Mapping[str, str]) -> dict[str, Any]:
    text = environment.get(HANDED_DOWN)
    if not text:
        return {}
    try:
        values = json.loads(text)
    except ValueError as error:
        raise SettingsError(f"environment {HANDED_DOWN} cannot be read: {error}") from None
    if not isinstance(values, dict):
        raise SettingsError(f"environment {HANDED_DOWN} is no JSON object; unset it")
    _demand_known(values, f"environment {HANDED_DOWN}")
    return values


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """A sentence for each DFSCAN_ variable that sets nothing, with what may have been meant."""
    known = {PREFIX + field.name.upper() for field in fields(Settings)}
    return [
        f"{name} is no setting{_nearest(name, known)}"
        for name in sorted(environment)
        if name.upper().startswith(PREFIX) and name not in known and not name.startswith(_OTHER_VARIABLES)
    ]


def _sourced(
    name: str,
    default: Any,
    flags: Mapping[str, Any],
    handed_down: Mapping[str, Any],
    environment: Mapping[str, str],
    files: Sequence[tuple[Path, Mapping[str, Any]]],
) -> Sourced:
    variable = PREFIX + name.upper()
    if flags.get(name) is not None:
        raw, source = flags[name], "flag"
    elif name in handed_down:
        raw, source = handed_down[name], f"environment {HANDED_DOWN}"
        if isinstance(raw, list) and isinstance(default, tuple) and all(isinstance(part, str) for part in raw):
            return Sourced(name, tuple(raw), source)  # to the letter: names may begin or end with a space
    elif environment.get(variable):
        raw, source = environment[variable], f"environment {variable}"
    else:
        raw, source = next(((content[name], str(path)) for path, content in files if name in content), (default, "default"))
    if source == "default":
        return Sourced(name, Path(user_path(raw)) if name == "data_dir" else raw, source)
    return Sourced(name, _converted(name, raw, source), source)


def _read_config(config: Path) -> dict[str, Any]:
    try:
        content = tomllib.loads(own_text(config))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError) as error:
        raise SettingsError(f"{config} cannot be read: {error}") from None
    _demand_known(content, str(config))
    return content


def _demand_known(values: Mapping[str, Any], source: str) -> None:
    known = {field.name for field in fields(Settings)}
    unknown = sorted(set(values) - known)
    if unknown:
        raise SettingsError(
            f"{source} sets {', '.join(unknown)}, which does not exist{_nearest(unknown[0], known)}; "
            f"the settings are {', '.join(sorted(known))}"
        )


def _nearest(name: str, known: Collection[str]) -> str:
    found = get_close_matches(name.lower(), [one.lower() for one in known], n=1)
    return f" (did you mean {next(one for one in known if one.lower() == found[0])}?)" if found else ""


def _converted(name: str, raw: Any, source: str) -> Any:
    kind = _kinds()[name]
    try:
        value = _converter().structure(raw, kind)
        if value and (name in _FILES or (name == "model" and os.sep in value)):
            value = user_path(value)
        if name == "database_url" and (file := sqlite_path(value)) is not None:
            value = sqlite_url(file)  # absolute, too
    except (PathNotMeant, SqliteUrlNotMeant) as error:
        raise SettingsError(f"{name} ({source}): {error}") from None
    except (TypeError, ValueError, OverflowError):
        wanted = "neither true nor false" if kind is bool else f"not a {kind.__name__}"
        raise SettingsError(f"{name} = {raw!r} ({source}) is {wanted}; correct it there") from None
    if kind in (int, float) and not value > 0:  # not a number is not above zero either
        raise SettingsError(f"{name} = {raw!r} ({source}) must be above zero; correct it there")
    return value


@cache
def _kinds() -> Mapping[str, Any]:
    return {field.name: field.type for field in fields(Settings)}


@cache
def _converter() -> "Converter":
    """Values as flags, variables, TOML and JSON give them. None is bent: 1.5 is no whole number, and True no number at all."""
    from cattrs import Converter  # not loaded where nothing is set

    converter = Converter()
    # Absolute, because workers and the service run in other folders.
    converter.register_structure_hook(Path, lambda raw, _: Path(user_path(raw)))
    converter.register_structure_hook(bool, lambda raw, _: _truth(raw))
    converter.register_structure_hook(int, lambda raw, _: int(_unless(raw, bool, float)))
    converter.register_structure_hook(float, lambda raw, _: float(_unless(raw, bool)))
    converter.register_structure_hook(str, lambda raw, _: str(_unless(raw, bool, list, dict)))
    converter.register_structure_hook_func(lambda kind: kind == tuple[str, ...], lambda raw, _: _words(raw))
    return converter


def _unless(raw: Any, *kinds: type) -> Any:
    if isinstance(raw, kinds):
        raise TypeError
    return raw


def _words(raw: Any) -> tuple[str, ...]:
    parts = raw.split(",") if isinstance(raw, str) else _unless(raw, dict)
    return tuple(str(part).strip() for part in parts if str(part).strip())


def _truth(raw: Any) -> bool:
    if isinstance(raw, bool):
        return raw
    words = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
    found = words.get(raw.strip().lower()) if isinstance(raw, str) else None
    if found is None:
        raise ValueError
    return found
