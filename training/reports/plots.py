"""Plots of an evaluation: ROC, DET, reliability, and histograms of scores per source.

Drawn with matplotlib's objects alone: no pyplot, no state shared between calls, no display.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.metrics import roc_curve

from ..data.manifest import Row
from ..evaluation.logits import labels_of
from ..evaluation.metrics import ECE_BINS, auc, equal_error_rate
from ..evaluation.weighted_metrics import Labels, Scores

# Okabe & Ito's colours, told apart with colour-blind eyes too.
_REAL, _FAKE, _MARK = "#0072B2", "#D55E00", "#444444"
_LINES = ("#000000", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#0072B2", "#D55E00")
_RATES = (0.001, 0.01, 0.05, 0.2, 0.4, 0.6, 0.8, 0.95, 0.99)


@dataclass(frozen=True)
class Scored:
    """What the plots are of: the images of one set, their scores and the two cuts."""

    labels: Labels
    scores: Scores
    sources: NDArray[np.str_]
    threshold: float
    band_low: float

    def lines(self) -> dict[str, tuple[Labels, Scores]]:
        """Labels and scores of all images and of each source that holds both labels (of all alone if it is the only source)."""
        found = {"all": (self.labels, self.scores)}
        for source in np.unique(self.sources):
            chosen = self.sources == source
            if len(np.unique(self.labels[chosen])) == 2 and not chosen.all():
                found[str(source)] = (self.labels[chosen], self.scores[chosen])
        return found


def scored(rows: Sequence[Row], scores: Scores, threshold: float, band_low: float) -> Scored:
    """`rows` with their scores, ready to be drawn."""
    return Scored(labels_of(rows), scores, np.asarray([row.source for row in rows]), threshold, band_low)


def draw_plots(of: Scored, folder: Path, *, suffix: str = "png") -> dict[str, Path]:
    """Draw every plot into `folder` as `<name>.<suffix>` (png or svg); the files by the plot's name.

    ROC, DET and reliability need both labels and are left out without. Raises OSError when a file cannot be written.
    """
    plots: dict[str, Callable[[Scored], Figure]] = {"scores": score_histograms}
    if len(np.unique(of.labels)) == 2:
        plots = {"roc": roc_plot, "det": det_plot, "reliability": reliability_plot, **plots}
    paths = {}
    for name, plot in plots.items():
        paths[name] = folder / f"{name}.{suffix}"
        plot(of).savefig(paths[name], dpi=120)
    return paths


def roc_plot(of: Scored) -> Figure:
    """ROC, whole and with a logarithmic false alarm rate: thresholds are chosen where that is low."""
    figure = Figure(figsize=(11, 5), layout="constrained")
    whole, low = figure.subplots(1, 2)
    smallest = 10.0 ** np.floor(np.log10(0.5 / max(1, int((of.labels == 0).sum()))))
    for (name, (labels, scores)), colour in zip(of.lines().items(), _cycle(len(of.lines())), strict=True):
        false_alarms, hits, _ = roc_curve(labels, scores)
        text = f"{literal(name)}, AUC {auc(labels, scores):.3f}"
        for axes in (whole, low):
            axes.plot(false_alarms, hits, color=colour, label=text, drawstyle="steps-post" if axes is low else "default")
    for axes in (whole, low):
        _mark_cuts(axes, of)
        axes.set(xlabel="false alarm rate (real called fake)", ylabel="hit rate (fake called fake)", ylim=(0, 1.02))
        axes.grid(alpha=0.3)
    whole.plot([0, 1], [0, 1], color=_MARK, linewidth=0.8, linestyle=":")
    whole.set_xlim(-0.02, 1)
    whole.legend(loc="lower right")
    low.set(xscale="log", xlim=(smallest, 1), title="false alarm rate, logarithmic")
    whole.set_title("ROC")
    return figure


def det_plot(of: Scored) -> Figure:
    """DET: misses over false alarms on normal deviate axes (Martin et al. 1997); Gaussian scores give straight lines."""
    figure = Figure(figsize=(6, 6), layout="constrained")
    axes = figure.subplots()
    for (name, (labels, scores)), colour in zip(of.lines().items(), _cycle(len(of.lines())), strict=True):
        false_alarms, hits, _ = roc_curve(labels, scores, drop_intermediate=False)
        inside = (false_alarms > 0) & (false_alarms < 1) & (hits > 0) & (hits < 1)  # the deviates of 0 and 1 are infinite
        text = f"{literal(name)}, EER {equal_error_rate(labels, scores):.3f}"
        axes.plot(_deviates(false_alarms[inside]), _deviates(1 - hits[inside]), color=colour, label=text)
    false_alarm, hit = _rates_at(of, of.threshold)
    if 0 < false_alarm < 1 and 0 < hit < 1:
        axes.plot(_deviates([false_alarm]), _deviates([1 - hit]), "o", color=_MARK, label=f"threshold {of.threshold:.3f}")
    ends = _deviates([0.0005, 0.995])
    axes.plot(ends, ends, color=_MARK, linewidth=0.8, linestyle=":")
    ticks, names = _deviates(_RATES), [f"{rate:.1%}" if rate < 0.01 else f"{rate:.0%}" for rate in _RATES]
    axes.set_xticks(ticks, names)
    axes.set_yticks(ticks, names)
    axes.set(
        xlim=tuple(ends), ylim=tuple(ends), xlabel="false alarm rate (real called fake)", ylabel="miss rate (fake not called)"
    )
    axes.set(title="DET", aspect="equal")
    axes.grid(alpha=0.3)
    axes.legend(loc="upper right")
    return figure


def reliability_plot(of: Scored) -> Figure:
    """How often images of a score are fake, in the bins of the ECE, with 95 % intervals; below, their number.

    The intervals are Wilson's (1927) and take the images for independent: within groups they are not, and the truth is wider.
    """
    figure = Figure(figsize=(6, 7), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    bins = np.clip(np.ceil(of.scores * ECE_BINS).astype(int) - 1, 0, ECE_BINS - 1)
    counts = np.bincount(bins, minlength=ECE_BINS)
    filled = np.flatnonzero(counts)
    of_bin = counts[filled]
    mean_score = np.bincount(bins, of.scores, ECE_BINS)[filled] / of_bin
    share = np.bincount(bins, of.labels, ECE_BINS)[filled] / of_bin
    low, high = _wilson(share, of_bin)
    upper.plot([0, 1], [0, 1], color=_MARK, linewidth=0.8, linestyle=":", label="perfect")
    upper.errorbar(mean_score, share, yerr=(share - low, high - share), fmt="o-", color=_FAKE, capsize=3, label="measured")
    upper.set(ylabel="share of fakes", ylim=(-0.02, 1.02), title="Reliability")
    upper.legend(loc="upper left")
    lower.bar((np.arange(ECE_BINS) + 0.5) / ECE_BINS, counts, 0.9 / ECE_BINS, color=_MARK)
    lower.set(xlabel="score, P(fake)", ylabel="images", xlim=(0, 1), yscale="log")
    lower.set_ylim(bottom=0.5)
    for axes in (upper, lower):
        axes.grid(alpha=0.3)
    return figure


def score_histograms(of: Scored) -> Figure:
    """How the scores of real and fake images lie, per source, with the band and the threshold."""
    names = np.unique(of.sources)
    figure = Figure(figsize=(7, 1.2 + 1.7 * len(names)), layout="constrained")
    panels = figure.subplots(len(names), 1, sharex=True, squeeze=False)[:, 0]
    bins = np.linspace(0, 1, 41)
    for axes, source in zip(panels, names, strict=True):
        for label, text, colour in ((0, "real", _REAL), (1, "fake", _FAKE)):
            chosen = of.scores[(of.sources == source) & (of.labels == label)]
            if len(chosen):
                name = f"{text}, {len(chosen):,}"
                axes.hist(
                    chosen, bins, histtype="stepfilled", facecolor=(colour, 0.3), edgecolor=colour, linewidth=1.4, label=name
                )
        axes.axvspan(of.band_low, of.threshold, color="0.9", linewidth=0, zorder=0)
        axes.axvline(of.threshold, color=_MARK, linewidth=1)
        axes.set(yscale="log", ylabel="images", xlim=(0, 1))
        axes.set_ylim(bottom=0.5)
        axes.set_title(literal(str(source)), loc="left", fontsize="medium")
        axes.legend(loc="upper center", ncols=2, fontsize="small")
    panels[-1].set_xlabel("score, P(fake); grey: uncertain, line: threshold")
    return figure


def _mark_cuts(axes: Axes, of: Scored) -> None:
    for text, cut, shape in (("threshold", of.threshold, "o"), ("band from", of.band_low, "s")):
        false_alarm, hit = _rates_at(of, cut)
        axes.plot([false_alarm], [hit], shape, color=_MARK, label=f"{text} {cut:.3f}", zorder=3)


def _rates_at(of: Scored, cut: float) -> tuple[float, float]:
    called = of.scores >= cut
    return float(called[of.labels == 0].mean()), float(called[of.labels == 1].mean())


def _deviates(rates: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    normal = NormalDist()
    return np.asarray([normal.inv_cdf(float(rate)) for rate in rates])


def _wilson(share: NDArray[np.float64], count: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    squared = 1.96**2
    centre = (share + squared / (2 * count)) / (1 + squared / count)
    half = 1.96 / (1 + squared / count) * np.sqrt(share * (1 - share) / count + squared / (4 * count**2))
    return np.minimum(centre - half, share), np.maximum(centre + half, share)


def literal(name: str) -> str:
    """`name` as text that matplotlib takes neither for a formula nor for a hidden label."""
    return name.replace("$", r"\$") if not name.startswith("_") else f" {literal(name.lstrip('_'))}"


def _cycle(count: int) -> list[str]:
    return [_LINES[number % len(_LINES)] for number in range(count)]
