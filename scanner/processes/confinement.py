"""A process gives up, for good, whatever decoding does not need: new privileges, the environment, files, the network, processes.

Each kernel gives what it has (Linux: seccomp from 3.5, Landlock from 5.13); what it lacks is told (`Confined.missing`), and a
process that cannot be confined works on.
"""

import ctypes
import os
import site
import sys
import sysconfig
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

# Landlock's ABI that confines in full: 3 has the cutting of files, 4 TCP, 6 signals and abstract sockets (Linux 6.12).
FULL_LANDLOCK = 6
# Libraries that are loaded late, and what their loader reads.
_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache")
# linux/prctl.h
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38


class _Lacks(Exception):
    """This machine does not have it; the text says what."""


@dataclass(frozen=True)
class Confined:
    """What confines a process; `landlock` is the ABI's number, 0 without. `missing` says what does not, and why."""

    environment: bool = False
    no_new_privileges: bool = False
    landlock: int = 0
    seccomp: bool = False
    missing: tuple[str, ...] = ()

    def __str__(self) -> str:
        """In a few words."""
        has = {
            "no new privileges": self.no_new_privileges,
            "seccomp": self.seccomp,
            f"Landlock (ABI {self.landlock})": self.landlock,
            "an empty environment": self.environment,
        }
        return ", ".join(name for name, there in has.items() if there) or "nothing"


def confine() -> Confined:
    """Confine this process, which has one thread. What it has open stays open. Cannot be undone."""
    os.environ.clear()
    if sys.platform != "linux":
        return Confined(environment=True, missing=(f"{sys.platform} has neither seccomp nor Landlock",))
    look_for_libraries()
    missing: list[str] = []

    def tried(what: Callable[[], int]) -> int:
        try:
            return what()
        except ModuleNotFoundError as error:
            missing.append(f"{error.name}: not installed")
        except (OSError, ValueError, _Lacks) as error:
            missing.append(f"{what.__name__.strip('_')}: {error}")
        return 0

    privileges, landlock, seccomp = (tried(step) for step in (_no_new_privileges, _landlock, _seccomp))
    if 0 < landlock < FULL_LANDLOCK:
        missing.append(f"landlock: of ABI {landlock}; {FULL_LANDLOCK} has all that is used (Linux 6.12)")
    return Confined(True, bool(privileges), landlock, bool(seccomp), tuple(missing))


def look_for_libraries() -> None:
    """Load what confines: it looks for the C library with programs and files, which a confined process has not."""
    with suppress(ModuleNotFoundError, OSError):
        import landlockpy
        import seccompy

        landlockpy.abi_version()
        seccompy.supported()


def die_with_parent() -> None:
    """Let the kernel kill this process when the one that started it has ended (Linux)."""
    if sys.platform == "linux":
        import signal

        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def code_places() -> Iterator[str]:
    """Where Python, its packages and the libraries that they load lie: they may be read, and nothing else."""
    here = Path(__file__).resolve().parents[2]
    paths = [str(here / "scanner"), str(here / "worker"), *site.getsitepackages(), *_LIBRARIES]
    paths += [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    paths += [os.path.join(prefix, "lib") for prefix in (sys.prefix, sys.base_prefix)]
    if site.ENABLE_USER_SITE:
        paths.append(site.getusersitepackages())
    yield from (path for path in dict.fromkeys(paths) if os.path.exists(path))


def _no_new_privileges() -> int:
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    return 1


def _landlock() -> int:
    from landlockpy import AccessFS, Ruleset, abi_version, scope_for_abi

    version = abi_version()
    if not version:
        raise _Lacks("this kernel has none, or it is switched off (Linux 5.13 or later with CONFIG_LSM or lsm= naming landlock)")
    with Ruleset(scoped=scope_for_abi(version)) as rules:
        for path in code_places():
            rules.allow_path(path, AccessFS.READ_FILE | (AccessFS.READ_DIR if os.path.isdir(path) else AccessFS.NONE))
        rules.restrict()
    return version


def _seccomp() -> int:
    from .system_calls import allowed_calls

    allowed_calls(os.getpid()).load()
    return 1


def _prctl(option: int, value: int) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if library.prctl(option, ctypes.c_ulong(value), 0, 0, 0):
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
