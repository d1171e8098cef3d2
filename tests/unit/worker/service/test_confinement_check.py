"""What `dfscan doctor` says of the confinement of decoders: a real process is started for it."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from scanner.base.settings import Settings
from scanner.ops.doctor import Health
from scanner.processes.confinement import Confined
from worker.decoding.decoder_pool import DecoderPool
from worker.service.checks import _confinement


@pytest.mark.skipif(sys.platform != "linux", reason="Linux confines")
def test_it_says_what_confines() -> None:
    found = _confinement(Settings(data_dir=Path()))
    if found.health is Health.POOR and "not installed" not in found.what:
        pytest.skip(f"this kernel does not confine: {found.what}")
    assert "no new privileges, seccomp" in found.what
    assert "an empty environment" in found.what


def test_it_says_what_the_kernel_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    lacking = Confined(environment=True, no_new_privileges=True, seccomp=True, missing=("landlock: this kernel has none",))
    monkeypatch.setattr(DecoderPool, "warm_up", lambda _: lacking)
    found = _confinement(Settings(data_dir=Path()))
    assert found.health == Health.POOR
    assert "without landlock: this kernel has none" in found.what


def test_decoders_that_cannot_be_started_are_bad() -> None:
    found = _confinement(replace(Settings(data_dir=Path()), decode_megabytes=50))
    assert found.health == Health.BAD
    assert "DFSCAN_DECODE_MEGABYTES" in found.mend
