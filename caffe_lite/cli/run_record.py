"""What `train --log-dir` records beside the solver's events: who trains what, and gradients."""

from __future__ import annotations

import os
import platform
from typing import TYPE_CHECKING, Any

from caffe_lite.cli.event_log import EventLog
from caffe_lite.proto import text
from caffe_lite.solvers import events as ev

if TYPE_CHECKING:
    from caffe_lite.solvers import Solver

BINS = 30


class RunRecord:
    """A listener for a solver that writes events of its own; call it with each of the solver's.

    At the start "about": the process, its host, the solver's file and definition, and those of its
    nets as they run. At each display "gradients": the L2 norm of all gradients. Every `histograms`
    iterations that are displayed (0: never) "histograms": of the data and diff of each learned blob
    the smallest and the largest value and the counts of `BINS` equal bins between.
    """

    def __init__(self, solver: Solver, events: EventLog, histograms: int) -> None:
        self.solver, self.events, self.histograms = solver, events, histograms
        events.write(
            "about",
            process=os.getpid(),
            host=platform.node(),
            solver=os.path.abspath(solver.path or ""),
            settings=text.format(solver.param),
            net=text.format(solver.net.param),
            test_nets=[text.format(net.param) for net in solver.test_nets],
        )

    def __call__(self, event: ev.Event) -> None:
        if not isinstance(event, ev.IterationDisplayed):
            return
        blobs = [blob for blob in self.solver.net.learnable_params if blob.has_diff]
        ops = self.solver.ops
        total = float(ops.to_host(ops.sum_squares([blob.diff for blob in blobs])))
        self.events.write("gradients", iteration=event.iteration, norm=total**0.5)
        if self.histograms and event.iteration % self.histograms == 0:
            self.events.write("histograms", iteration=event.iteration, blobs=self._histograms())

    def _histograms(self) -> dict[str, dict[str, Any]]:
        found = {}
        for layer, blobs in self.solver.net.params.items():
            for index, blob in enumerate(blobs):
                sides = {"data": blob.data} | ({"diff": blob.diff} if blob.has_diff else {})
                found[f"{layer}[{index}]"] = {
                    side: histogram(self.solver.ops.to_host(values))
                    for side, values in sides.items()
                }
        return found


def histogram(values: Any) -> list[Any]:
    """Smallest value, largest value and the counts of equal bins between; NaN is left out."""
    import numpy as np

    finite = values[np.isfinite(values)]
    if not finite.size:
        return [0.0, 0.0, [0] * BINS]
    counts, edges = np.histogram(finite, bins=BINS)
    return [float(edges[0]), float(edges[-1]), counts.tolist()]
