"""Files that a person asked for: beside the old one first, then in its place, and never in the place of somebody else's."""

import os
import stat
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..base.access.private import share_as_user_does
from ..base.errors import KnownError
from ..base.escape import printable
from ..base.files import open_regular, written_whole

# Enough to tell by what a file begins and ends with whether the program wrote it.
_LOOKED_AT = 4096


class OutputRefused(KnownError):
    """A file that cannot, or must not, be written."""


@dataclass(frozen=True)
class Output:
    """A file to write. `is_ours` tells by its first and last bytes whether a file is an earlier output, which may be replaced.

    Others are replaced only with `force`, and in the folders `protected` not even then.
    """

    path: str
    is_ours: Callable[[bytes, bytes], bool]
    protected: Sequence[str] = ()
    force: bool = False

    def demand_writable(self) -> None:
        """Raise OutputRefused when there is no folder for it, or somebody else's file in its place."""
        real, name = os.path.realpath(self.path), printable(self.path)
        if not os.path.isdir(os.path.dirname(real)):
            raise OutputRefused(f"{name} cannot be written: there is no folder {printable(os.path.dirname(real))}; make it first")
        try:
            status = os.stat(self.path)
        except FileNotFoundError:
            return
        except OSError as error:
            raise OutputRefused(f"{name} cannot be written: {error.strerror}; name another file") from None
        if stat.S_ISDIR(status.st_mode):
            raise OutputRefused(f"{name} is a folder; name a file in it")
        if self._is_stream(status) or status.st_size == 0 or self._is_earlier_output(real):
            return
        for folder in self.protected:
            if os.path.commonpath([real, os.path.realpath(folder)]) == os.path.realpath(folder):
                raise OutputRefused(
                    f"{name} exists in {printable(folder)}, where dfscan replaces no file that it did not write; name another"
                )
        if not self.force:
            raise OutputRefused(f"{name} exists and dfscan did not write it; name another file, or replace it with --force")

    def write(self, pieces: Iterable[str]) -> None:
        """Write `pieces`; whatever goes wrong, an older file stays as it was. Raises OutputRefused."""
        self.demand_writable()
        real = os.path.realpath(self.path)
        try:
            if os.path.exists(self.path) and self._is_stream(os.stat(self.path)):
                with open(self.path, "w", encoding="utf-8", errors="backslashreplace", newline="") as stream:
                    stream.writelines(pieces)
                return
            self._replace(real, pieces)
        except OSError as error:
            raise OutputRefused(
                f"{printable(self.path)} cannot be written: {error.strerror}; what was there is untouched. Name another file"
            ) from None

    def _replace(self, real: str, pieces: Iterable[str]) -> None:
        with written_whole(Path(real)) as partial:
            with partial.open("x", encoding="utf-8", errors="backslashreplace", newline="") as file:
                if os.path.exists(real):
                    partial.chmod(stat.S_IMODE(os.stat(real).st_mode))
                else:
                    share_as_user_does(partial)
                file.writelines(pieces)
                file.flush()
                os.fsync(file.fileno())
            self.demand_writable()  # writing may have taken long

    def _is_stream(self, status: os.stat_result) -> bool:
        """A pipe or device, also when standard output is a file: whoever opened that goes on with it."""
        return not stat.S_ISREG(status.st_mode) or self.path.startswith(("/dev/", "/proc/"))

    def _is_earlier_output(self, real: str) -> bool:
        try:
            with open_regular(real) as file:
                start = file.read(_LOOKED_AT)
                file.seek(max(0, os.fstat(file.fileno()).st_size - _LOOKED_AT))
                return self.is_ours(start, file.read(_LOOKED_AT))
        except OSError:
            return False
