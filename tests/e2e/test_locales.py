"""File names are bytes: a command under a locale of another encoding reads the same names from them."""

import json
import os
import shutil
import subprocess
import sys

import pytest
from files.command import Dfscan

NAMES = ["é", "猫", os.fsdecode(b"\xff\xe9")]


@pytest.fixture(scope="module", params=["ascii", "iso8859-1"])
def other_encoding(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a locale by which Python reads other letters from bytes."""
    environment = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    if request.param != "ascii":
        if shutil.which("localedef") is None:
            pytest.skip("localedef is not installed")
        folder = tmp_path_factory.mktemp("locales")
        odd = folder / "odd.ISO-8859-1"
        subprocess.run(["localedef", "-c", "-i", "POSIX", "-f", "ISO-8859-1", odd], capture_output=True, check=False)
        environment |= {"LC_ALL": odd.name, "LOCPATH": str(folder)}
    asks = [sys.executable, "-c", "import sys; print(sys.getfilesystemencoding())"]
    found = subprocess.run(asks, env={**os.environ, **environment}, capture_output=True, text=True, check=True).stdout.strip()
    if found != request.param:
        pytest.skip(f"Python takes {found} here, not {request.param}")
    return environment


@pytest.mark.parametrize("name", NAMES, ids=["Latin", "not Latin", "no UTF-8"])
def test_the_same_bytes_are_the_same_name(laptop: Dfscan, other_encoding: dict[str, str], name: str) -> None:
    laptop.environment["DFSCAN_CLIP_WEIGHTS"] = f"/pictures/{name}"
    for locale in ({}, {name: value for name, value in other_encoding.items() if name != "PYTHONUTF8"}):
        laptop.environment |= locale
        shown = json.loads(laptop.run("--model", f"/models/{name}", "config", "show", "--json").stdout)
        assert shown["clip_weights"]["value"] == f"/pictures/{name}"
        assert shown["model"]["value"] == f"/models/{name}"
