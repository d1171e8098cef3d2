"""What the simulation makes of recorded stage times on other machines, as the table of docs/scaling.md.

python -m tests.benchmarks.sites [STAGES.json]

Of each scene that says `"elsewhere": true`. `python -m tests.benchmarks stages` says such scenes on standard error. Seconds of a
core are measured; the number of cores is multiplied; figures of GPUs are estimates: `GPU_FLOPS` of each, of which `GPU_SHARE` is
used, for a network of `GFLOP` an input.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from .simulation import RECORDED, Site, Stages, read_stages, simulate

# CLIP ViT-B/16 at 224 pixels has 17.5 G multiply-adds an input, EfficientNet-Lite2 at 260 0.87 G; two operations each.
GFLOP = 2 * (17.5 + 0.87)
# An NVIDIA T4's 65 Tflop/s of float16 by its data sheet, and the share that networks of such small batches commonly reach.
GPU_FLOPS, GPU_SHARE = 65e12, 0.25
# Cores, GPUs and workers of each.
SITES = {
    "laptop, 8 cores": (8, 0, 8),
    "server, 64 cores": (64, 0, 64),
    "one GPU (estimate), 64 cores": (64, 1, 1),
    "8 GPUs (estimate), 64 cores each": (512, 8, 8),
}


@dataclass(frozen=True)
class Elsewhere:
    """Pictures an hour on a site, what bounds them and for which share of the time, and the hours that a million takes."""

    site: str
    an_hour: float
    bound: str
    share: float
    core_hours: float
    gpu_hours: float


def elsewhere(stages: Stages) -> Iterator[Elsewhere]:
    """On each of SITES. Larger ones have Postgres, with 8 cores of its own."""
    for name, (cores, devices, workers) in SITES.items():
        forward = stages.batch * GFLOP * 1e9 / (GPU_FLOPS * GPU_SHARE) if devices else stages.forward
        site = Site(cores, writers=1 if cores <= 8 else 8, own_device=bool(devices), decoders=max(1, cores // workers))
        found = simulate(replace(stages, forward=forward), site, workers, 4000 * workers if devices else 800 * workers)
        shares = {"cores": found.cores, "database": found.writers, "GPU": found.devices}
        bound = max(shares, key=lambda what: shares[what])
        core_hours = found.cores * cores / found.rate * 1e6 / 3600
        yield Elsewhere(name, 3600 * found.rate, bound, shares[bound], core_hours, devices / found.rate * 1e6 / 3600)


def main(file: Path) -> None:
    """Print the table, in Markdown."""
    marked = {name for name, scene in json.loads(file.read_text("utf-8")).items() if scene.get("elsewhere")}
    print("| | on | an hour | a million takes | bound by |\n|---|---|---:|---:|---|")
    for name, (stages, _site) in read_stages(file).items():
        for found in elsewhere(stages) if name in marked else ():
            takes = f"{found.core_hours:,.1f} core-hours" + (f", {found.gpu_hours:,.2f} GPU-hours" if found.gpu_hours else "")
            bound = f"{found.bound}, {found.share:.0%} of the time"
            print(f"| {name} | {found.site} | {found.an_hour:,.0f} | {takes} | {bound} |")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else RECORDED)
