"""Plots, read back from the files and from the objects drawn."""

from io import BytesIO
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

from training.data.manifest import Row
from training.evaluation.metrics import auc, equal_error_rate
from training.reports.plots import Scored, det_plot, draw_plots, reliability_plot, roc_plot, score_histograms, scored


@pytest.fixture
def of() -> Scored:
    """Two sources with both labels, one with reals alone; names that matplotlib could mistake for something else."""
    rng = np.random.default_rng(0)
    sources = np.repeat(["a$b$c", "_hidden", "reals"], 100)
    labels = np.where(sources == "reals", 0, np.arange(300) % 2)
    scores = 1 / (1 + np.exp(-rng.normal(3 * labels - 1.5, 1.5)))
    return Scored(labels, scores, sources, threshold=0.8, band_low=0.6)


def panels(figure: Figure) -> list[Axes]:
    return figure.get_axes()


def legend(axes: Axes) -> list[str]:
    found = axes.get_legend()
    assert found is not None
    return [text.get_text() for text in found.get_texts()]


def test_every_plot_is_a_picture_with_something_in_it(of: Scored, tmp_path: Path) -> None:
    before = dict(matplotlib.rcParams)

    paths = draw_plots(of, tmp_path)

    assert dict(matplotlib.rcParams) == before  # no state is left behind

    assert {name: path.name for name, path in paths.items()} == {
        "roc": "roc.png",
        "det": "det.png",
        "reliability": "reliability.png",
        "scores": "scores.png",
    }
    for path in paths.values():
        with Image.open(path) as picture:
            assert min(picture.size) > 400
            assert len(np.unique(np.asarray(picture.convert("RGB")).reshape(-1, 3), axis=0)) > 5


def test_the_same_scores_draw_the_same_picture(of: Scored) -> None:
    one, two = BytesIO(), BytesIO()

    for drawn in (one, two):
        det_plot(of).savefig(drawn)

    assert one.getvalue() == two.getvalue()


def test_svg_is_written_where_it_is_asked_for(of: Scored, tmp_path: Path) -> None:
    paths = draw_plots(of, tmp_path, suffix="svg")

    assert all(b"<svg" in path.read_bytes() for path in paths.values())


def test_one_label_alone_gets_its_histogram_only(of: Scored, tmp_path: Path) -> None:
    real = of.labels == 0

    paths = draw_plots(Scored(of.labels[real], of.scores[real], of.sources[real], 0.8, 0.6), tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["scores.png"]
    assert paths.keys() == {"scores"}


def test_roc_curves(of: Scored) -> None:
    """The roc shows all images and each source with both labels."""
    whole, low = panels(roc_plot(of))
    chosen = of.sources == "_hidden"

    texts = legend(whole)

    assert texts[0] == f"all, AUC {auc(of.labels, of.scores):.3f}"
    assert texts[1].strip() == f"hidden, AUC {auc(of.labels[chosen], of.scores[chosen]):.3f}"
    assert texts[2].startswith(r"a\$b\$c")
    assert texts[3:] == ["threshold 0.800", "band from 0.600"]
    x, y = (np.asarray(values, float) for values in whole.lines[0].get_data())
    assert np.trapezoid(y, x) == pytest.approx(auc(of.labels, of.scores))
    assert low.get_xscale() == "log"
    assert low.get_xlim()[0] <= 1 / (of.labels == 0).sum()


def test_the_threshold_is_marked_where_it_works(of: Scored) -> None:
    whole, _ = panels(roc_plot(of))
    marked = {str(line.get_label()): line.get_data() for line in whole.lines}

    x, y = marked["threshold 0.800"]

    assert np.asarray(x).tolist() == [np.mean(of.scores[of.labels == 0] >= 0.8)]
    assert np.asarray(y).tolist() == [np.mean(of.scores[of.labels == 1] >= 0.8)]


def test_det_curve_of_gaussian_scores() -> None:
    """The det curve is straight for gaussian scores and meets the diagonal at the eer."""
    rng = np.random.default_rng(0)
    labels = np.arange(40_000) % 2
    scores = rng.normal(2 * labels, 1)
    of = Scored(labels, scores, np.full(40_000, "s"), 2.0, 1.0)

    (axes,) = panels(det_plot(of))

    assert legend(axes) == [f"all, EER {equal_error_rate(labels, scores):.3f}", "threshold 2.000"]
    x, y = (np.asarray(values, float) for values in axes.lines[0].get_data())
    inside = (abs(x) < 2) & (abs(y) < 2)
    slope, offset = np.polyfit(x[inside], y[inside], 1)
    assert (slope, offset) == (pytest.approx(-1, abs=0.03), pytest.approx(-2, abs=0.03))


@pytest.mark.parametrize(
    "scores",
    [[0.1, 0.1, 0.9, 0.9], [0.9, 0.9, 0.1, 0.1], [0.5, 0.5, 0.5, 0.5], [0.1, 0.9, 0.95, 0.05], [0.2, 0.4, 0.3, 0.1]],
    ids=["perfect", "inverted", "useless", "worst first", "one right"],
)
def test_scores_of_any_order_can_be_drawn(scores: list[float], tmp_path: Path) -> None:
    labels = np.asarray([0, 0, 1, 1])

    drawn = draw_plots(Scored(labels, np.asarray(scores), np.asarray(["one"] * 4), 0.5, 0.4), tmp_path)

    assert all(path.stat().st_size > 1000 for path in drawn.values())


def test_reliability_shows_the_share_of_fakes_per_bin() -> None:
    scores = np.repeat([0.1, 0.5, 0.95], 20)
    labels = np.concatenate([np.arange(20) < fakes for fakes in (2, 15, 20)]).astype(np.int64)

    upper, lower = panels(reliability_plot(Scored(labels, scores, np.full(60, "s"), 0.8, 0.6)))

    measured = next(line for line in upper.lines if len(np.asarray(line.get_xdata())) == 3)
    assert list(np.asarray(measured.get_xdata())) == pytest.approx([0.1, 0.5, 0.95])
    assert list(np.asarray(measured.get_ydata())) == pytest.approx([0.1, 0.75, 1.0])
    assert sorted(bar.get_height() for bar in lower.patches if isinstance(bar, Rectangle))[-4:] == [0, 20, 20, 20]


def test_histograms_count_every_image_of_every_source(of: Scored) -> None:
    axes = panels(score_histograms(of))

    assert [panel.get_title(loc="left").strip() for panel in axes] == ["hidden", r"a\$b\$c", "reals"]
    assert [legend(panel) for panel in axes] == [["real, 50", "fake, 50"], ["real, 50", "fake, 50"], ["real, 100"]]


def test_rows_carry_their_labels_and_sources() -> None:
    rows = [Row(Path("x"), label, source, "", "", "", "val") for label, source in ((1, "a"), (0, "b"))]

    of = scored(rows, np.asarray([0.9, 0.1]), 0.8, 0.6)

    assert (of.labels.tolist(), of.sources.tolist(), of.threshold, of.band_low) == ([1, 0], ["a", "b"], 0.8, 0.6)
