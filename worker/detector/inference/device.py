"""Which device runs the network: chosen once, always said, never a silent fallback."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import psutil

from scanner.base.errors import KnownError


class DeviceUnavailable(KnownError):
    """The device that was asked for is not on this machine."""


@dataclass(frozen=True)
class ChosenDevice:
    """`name` as torch writes it (`cpu`, `cuda:0`, `mps`); `reason` in a user's words."""

    name: str
    reason: str


def choose_device(requested: str) -> ChosenDevice:
    """Turn `auto`, `cpu`, `cuda`, `cuda:N` or `mps` into a device. Raises DeviceUnavailable.

    Torch, which takes seconds to import, is asked only where there may be something else than a CPU.
    """
    if requested == "auto" and not _may_have_gpu():
        return ChosenDevice("cpu", f"no GPU found; {cpu_threads()} threads")
    if requested == "cpu":
        return ChosenDevice("cpu", f"as asked; {cpu_threads()} threads")
    import torch

    if requested == "auto":
        if torch.cuda.is_available():
            return ChosenDevice("cuda:0", torch.cuda.get_device_name(0))
        if torch.backends.mps.is_available():
            return ChosenDevice("mps", "Apple GPU")
        return ChosenDevice("cpu", f"no CUDA or MPS device found; {cpu_threads()} threads")
    if requested == "mps" and torch.backends.mps.is_available():
        return ChosenDevice("mps", "as asked")
    kind, _, number = requested.partition(":")
    if kind == "cuda" and (number or "0").isdecimal():
        index = int(number or 0)
        if torch.cuda.is_available() and index < torch.cuda.device_count():
            return ChosenDevice(f"cuda:{index}", torch.cuda.get_device_name(index))
    raise DeviceUnavailable(
        f"device {requested!r} is not available: torch {torch.__version__} sees {_seen()}. "
        "Choose another with --device (auto, cpu, cuda, cuda:N, mps)"
    )


def cpu_threads() -> int:
    """How many threads run a network on the CPU: OMP_NUM_THREADS, or one for each core."""
    return int(os.environ.get("OMP_NUM_THREADS") or 0) or psutil.cpu_count(logical=False) or os.cpu_count() or 1


def has_int8_products() -> bool:
    """Whether the processor adds up int8 products in 32 bits (VNNI); False where the system does not tell."""
    return not {"avx512_vnni", "avx_vnni"}.isdisjoint(_processor_flags())


def has_int8_tiles() -> bool:
    """Whether it also has int8 products of whole tiles of matrices (AMX)."""
    return has_int8_products() and "amx_int8" in _processor_flags()


def _processor_flags() -> list[str]:
    """What Linux says that the processor can do."""
    try:
        told = Path("/proc/cpuinfo").read_text("utf-8", "replace")
    except OSError:
        return []
    return next((line.partition(":")[2].split() for line in told.splitlines() if line.startswith("flags")), [])


def _may_have_gpu() -> bool:
    """Whether the system shows anything of a GPU that torch could use: NVIDIA's or AMD's driver, or Apple's chips."""
    if sys.platform == "linux":  # dxg: Windows' GPUs, seen from its Linux
        return any(Path("/dev").glob("nvidia[0-9]*")) or any(Path("/dev", name).exists() for name in ("kfd", "dxg", "nvidiactl"))
    return True


def _seen() -> str:
    import torch

    cuda = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return f"{cuda} CUDA device(s), {'an' if torch.backends.mps.is_available() else 'no'} MPS device"
