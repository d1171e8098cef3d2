"""Which device runs the network: chosen once, always said, never a silent fallback."""

from dataclasses import dataclass

import torch

from scanner.errors import KnownError


class DeviceUnavailable(KnownError):
    """The device that was asked for is not on this machine."""


@dataclass(frozen=True)
class ChosenDevice:
    """`name` as torch writes it (`cpu`, `cuda:0`, `mps`); `reason` in a user's words."""

    name: str
    reason: str


def choose_device(requested: str) -> ChosenDevice:
    """Turn `auto`, `cpu`, `cuda`, `cuda:N` or `mps` into a device. Raises DeviceUnavailable."""
    if requested == "auto":
        if torch.cuda.is_available():
            return ChosenDevice("cuda:0", torch.cuda.get_device_name(0))
        if torch.backends.mps.is_available():
            return ChosenDevice("mps", "Apple GPU")
        return ChosenDevice("cpu", f"no CUDA or MPS device found; {torch.get_num_threads()} threads")
    if requested == "cpu":
        return ChosenDevice("cpu", f"as asked; {torch.get_num_threads()} threads")
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


def _seen() -> str:
    cuda = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return f"{cuda} CUDA device(s), {'an' if torch.backends.mps.is_available() else 'no'} MPS device"
