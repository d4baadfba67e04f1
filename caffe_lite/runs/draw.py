"""Curves drawn with matplotlib (extra `plot`), as PNG, SVG or PDF."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from caffe_lite.errors import CaffeError, DataError
from caffe_lite.proto.atomic import atomic_path
from caffe_lite.runs.curves import LEARNING_RATE, TEST_LOSS, TRAIN_LOSS, Curve, Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORMATS = (".png", ".svg", ".pdf")
X_NAMES = {"iterations": "Iters", "seconds": "Seconds"}
# Caffe's plot_training_log.py numbers its charts in this order.
_Y_NAMES = ("Test accuracy", "Test loss", "Train learning rate", "Train loss")
CHARTS = [(y, x) for y in _Y_NAMES for x in X_NAMES]
_MARKED = 40  # a curve of at most as many points has markers


def chart_title(chart: int) -> str:
    """The title of a chart, such as "Test accuracy  vs. Iters"."""
    y, x = CHARTS[chart]
    return f"{y}  vs. {X_NAMES[x]}"


def draw_chart(runs: Sequence[Run], chart: int, smooth: int = 1, log_y: bool = False) -> Figure:
    """One of Caffe's eight charts, with a curve for each run.

    Raises DataError if no run has such a curve.
    """
    y, x = CHARTS[chart]
    figure = _figure(7.5, 5)
    axes = figure.subplots()
    for run, label in zip(runs, labels(runs), strict=True):
        name = _curve_name(run, y)
        if name in run.curves:
            _plot(axes, run.curves[name], x, label, smooth=smooth)
    if not axes.lines:
        paths = ", ".join(run.path for run in runs)
        raise DataError(f"{paths}: no curve of {y.lower()}; choose another chart")
    axes.set(title=chart_title(chart), xlabel=X_NAMES[x], ylabel=y)
    if log_y:
        axes.set_yscale("log")
    axes.legend(loc="lower right" if "accuracy" in y else "upper right")
    return figure


def draw_overview(
    runs: Sequence[Run], x: str = "iterations", smooth: int = 1, log_y: bool = False
) -> Figure:
    """Losses, test scores and learning rates side by side; a colour for each run.

    Several scores of a run have lines of different styles. Panels that no run fills are left out.
    """
    losses, scores, rates = [], [], []
    for run, label in zip(runs, labels(runs), strict=True):
        prefix = f"{label}: " if len(runs) > 1 else ""
        for name, style in ((TRAIN_LOSS, "-"), (TEST_LOSS, "--")):
            if name in run.curves:
                losses.append((run, name, style, prefix + name.removesuffix(" loss")))
        for name, style in zip(run.scores, ("-", "--", ":", "-.") * len(run.scores), strict=False):
            scores.append((run, name, style, prefix + name.removeprefix("test: ")))
        if LEARNING_RATE in run.curves:
            rates.append((run, LEARNING_RATE, "-", label))
    panels = [
        (title, lines)
        for title, lines in (("loss", losses), ("test scores", scores), ("learning rate", rates))
        if lines
    ]
    figure = _figure(5 * len(panels), 4)
    colours = {id(run): f"C{i % 10}" for i, run in enumerate(runs)}
    row = figure.subplots(1, len(panels), squeeze=False)[0]
    for axes, (title, lines) in zip(row, panels, strict=True):
        for run, name, style, label in lines:
            colour = colours[id(run)]
            _plot(axes, run.curves[name], x, label, style, colour, smooth)
        axes.set(title=title, xlabel="iteration" if x == "iterations" else "seconds")
        if log_y and title == "loss":
            axes.set_yscale("log")
        if len(lines) > 1 or title == "test scores":
            axes.legend(fontsize="small")
    return figure


def save(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Write a figure, whole or not at all; the path's ending is one of FORMATS."""
    form = os.path.splitext(path)[1][1:].lower()
    with atomic_path(path) as partial:
        figure.savefig(partial, format=form, dpi=120)


def labels(runs: Sequence[Run]) -> list[str]:
    """Names for runs, as short as they can be: file, then folder and file, then the path."""
    for parts in (1, 2):
        names = ["/".join(_stem(run.path).split("/")[-parts:]) for run in runs]
        if len(set(names)) == len(names):
            return names
    return [run.path for run in runs]


def _stem(path: str) -> str:
    full = os.path.splitext(os.path.abspath(path))[0]
    return full.removesuffix("/train") if full.count("/") > 1 else full


def _curve_name(run: Run, y: str) -> str:
    """The run's curve for an axis of Caffe's charts; the accuracy is the first score of a test."""
    if y == "Test accuracy":
        named = [name for name in run.scores if "acc" in name.lower()] or run.scores
        return named[0] if named else ""
    return {"Test loss": TEST_LOSS, "Train loss": TRAIN_LOSS}.get(y, LEARNING_RATE)


def _plot(
    axes: Axes,
    curve: Curve,
    x: str,
    label: str,
    style: str = "-",
    colour: str | None = None,
    smooth: int = 1,
) -> None:
    import numpy as np

    places = curve.iterations if x == "iterations" else curve.seconds
    values = np.array(curve.values)
    if smooth > 1 and len(values) > 1:  # the mean of the last points, fewer at the beginning
        sums = np.cumsum(values)
        sums[smooth:] = sums[smooth:] - sums[:-smooth]
        values = sums / np.minimum(np.arange(1, len(values) + 1), smooth)
    marker = "o" if len(values) <= _MARKED else None
    axes.plot(places, values, style, label=label, color=colour, marker=marker, markersize=3, lw=1.2)
    axes.grid(alpha=0.3)


def _figure(width: float, height: float) -> Figure:
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise CaffeError(
            "curves are drawn with matplotlib, which is not installed: "
            'pip install "caffe_lite[plot]"'
        ) from None
    return Figure(figsize=(width, height), layout="constrained")
