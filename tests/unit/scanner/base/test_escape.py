"""Commands that messages offer, to be copied into a shell as they are."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scanner.base.access.private import NotPrivate, demand_own
from scanner.base.escape import in_shell
from scanner.database.integrity import BACKUP_FOLDER, CorruptDatabase, demand_sound

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a POSIX shell")

NAMES = [
    "plain.jpg",
    "My Pictures",
    'it\'s "so" & $HOME',
    "-rf",
    "back\\slash\nnew line's",
    "\x1b[31mred",
    "\u202egpj.exe",
    "\x85 é",
]


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
def test_a_name_is_one_word_whatever_is_in_it() -> None:
    names = [*NAMES, os.fsdecode(b"bad\xff0")]
    words = " ".join(in_shell(name) for name in names)
    assert words.isprintable()
    told = subprocess.run(["bash", "-c", f"printf '%s\\0' {words}"], capture_output=True, check=True)
    assert told.stdout.split(b"\0")[:-1] == [os.fsencode(name) for name in names]


def test_the_backup_of_a_data_folder_with_a_space(tmp_path: Path) -> None:
    """As every one on macOS, under Application Support."""
    folder = tmp_path / "Application Support"
    backup = folder / BACKUP_FOLDER / "a.sqlite"
    backup.parent.mkdir(parents=True)
    backup.touch()
    (folder / "dfscan.sqlite").write_bytes(b"no database" * 1000)
    with pytest.raises(CorruptDatabase, match=re.escape(f"`dfscan db restore '{backup}'`")):
        demand_sound(folder / "dfscan.sqlite")


def test_the_folder_that_others_can_write(tmp_path: Path) -> None:
    folder = tmp_path / "my data"
    folder.mkdir()
    (folder / "chosen.toml").touch()
    folder.chmod(0o777)
    with pytest.raises(NotPrivate, match=re.escape(f"`chmod go-w '{folder}'`")):
        demand_own(folder)
