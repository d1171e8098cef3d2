"""What can run the network: torch, or ONNX Runtime, which is quicker on processors. docs/speed.md has what was measured."""

from scanner.base.errors import KnownError

from .device import ChosenDevice

# `torch-bf16` computes in bfloat16, where there is a frozen branch that alone: quicker where the processor has instructions for
# it, but scores move (`fusion` 0.02, `lite` 0.1 at most), so it is never chosen by itself.
RUNTIMES = ("torch", "torch-bf16", "onnxruntime")


class RuntimeUnavailable(KnownError):
    """The runtime that was asked for cannot run here."""


def choose_runtime(requested: str, device: ChosenDevice) -> str:
    """One of RUNTIMES: the quickest that keeps the scores for `auto`, else what was asked for. Raises RuntimeUnavailable."""
    if requested == "auto":
        return "onnxruntime" if device.name == "cpu" else "torch"
    if requested not in RUNTIMES:
        raise RuntimeUnavailable(f"runtime {requested!r} is not known; choose auto, {', '.join(RUNTIMES)} (setting runtime)")
    if requested == "onnxruntime" and device.name != "cpu":
        raise RuntimeUnavailable(f"onnxruntime runs on the CPU only, not {device.name}; choose auto or torch (setting runtime)")
    return requested
