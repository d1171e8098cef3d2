"""What can run the network: torch, or ONNX Runtime, which is quicker on processors. docs/speed.md has what was measured."""

from scanner.base.errors import KnownError

from .device import ChosenDevice, has_int8_products, has_int8_tiles

# `torch-bf16` computes in bfloat16, where there is a frozen branch that alone: quicker where the processor has instructions for
# it, but scores move (`fusion` 0.02, `lite` 0.1 at most), so it is never chosen by itself. `onnxruntime-int16` is ONNX Runtime
# with the products of int8 matrices in integers (`int16_products`): quicker with AMX; with VNNI alone nobody has measured it.
RUNTIMES = ("torch", "torch-bf16", "onnxruntime", "onnxruntime-int16")
BY_ONNX_RUNTIME = ("onnxruntime", "onnxruntime-int16")


class RuntimeUnavailable(KnownError):
    """The runtime that was asked for cannot run here."""


def choose_runtime(requested: str, device: ChosenDevice, *, is_int8: bool = False) -> str:
    """One of RUNTIMES: the quickest that keeps the scores for `auto`, else what was asked for. Raises RuntimeUnavailable.

    `is_int8` says that the network has a backbone of int8 matrices.
    """
    if requested == "auto" and device.name == "cpu":
        return "onnxruntime-int16" if is_int8 and has_int8_tiles() else "onnxruntime"
    if requested == "auto":
        return "torch"
    if requested not in RUNTIMES:
        raise RuntimeUnavailable(f"runtime {requested!r} is not known; choose auto, {', '.join(RUNTIMES)} (setting runtime)")
    if requested in BY_ONNX_RUNTIME and device.name != "cpu":
        raise RuntimeUnavailable(f"{requested} runs on the CPU only, not {device.name}; choose auto or torch (setting runtime)")
    if requested == "onnxruntime-int16" and not (is_int8 and has_int8_products()):
        lacks = "this processor has no int8 dot products (VNNI)" if is_int8 else "the model has no backbone of int8 matrices"
        raise RuntimeUnavailable(f"{requested} cannot run here: {lacks}; choose auto or onnxruntime (setting runtime)")
    return requested
