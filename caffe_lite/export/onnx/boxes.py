"""Boxes: decoded from priors, suppressed, and turned into rows of detections."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from caffe_lite.export.onnx.builder import Graph, Tensor
from caffe_lite.export.onnx.sizes import Size, vector

_LOWEST = float(np.finfo(np.float32).min)
_NONE = -np.inf  # the score of a box that is out


def halves(graph: Graph, boxes: Tensor) -> tuple[Tensor, Tensor]:
    """The first two and the last two of the numbers (..., 4)."""
    first, last = graph.split(boxes, [2, 2], -1)
    return first, last


def decoded(graph: Graph, code: str, codes: Tensor, priors: Tensor, extent: float = 0) -> Tensor:
    """The boxes (..., 4) of `codes` relative to `priors`; see `caffe_lite.forks.boxes.codes`."""
    if code == "CORNER":
        return graph.add("Add", priors, codes)
    low, high = halves(graph, priors)
    size = _plus(graph, graph.add("Sub", high, low), extent)
    if code == "CORNER_SIZE":
        return graph.add("Add", priors, graph.add("Mul", codes, graph.concat([size, size], -1)))
    half = graph.floats(0.5)
    middle = graph.add("Add", low, graph.add("Mul", size, half))
    offset, scale = halves(graph, codes)
    center = graph.add("Add", graph.add("Mul", offset, size), middle)
    reach = graph.add("Mul", graph.add("Mul", graph.add("Exp", scale), size), half)
    corners = [graph.add("Sub", center, reach), graph.add("Add", center, reach)]
    return graph.concat(corners, -1)


def _plus(graph: Graph, x: Tensor, summand: float) -> Tensor:
    return graph.add("Add", x, graph.floats(summand)) if summand else x


@dataclass(frozen=True)
class Suppression:
    """How boxes are suppressed, class by class: of those that score more than `threshold` the
    `candidates` best (all if negative); a box goes if it overlaps a better one by more than
    `overlap`; at most `limit` remain (all if negative). With `extent` 1 both corners are inside.
    """

    overlap: float
    threshold: float = _LOWEST
    candidates: int = -1
    limit: int = -1
    extent: float = 0

    def select(self, graph: Graph, boxes: Tensor, scores: Tensor, count: Size) -> Tensor:
        """Rows (image, class, box) of the kept boxes, by image and class, best first.

        `boxes` (N, P, 4) with P = `count`, `scores` (N, C, P).
        """
        if self.candidates >= 0:
            k = count.minimum(self.candidates)
            best, where = graph.add_many("TopK", [scores, k.tensor()], 2, axis=2)
            none = graph.add("Expand", graph.floats(_NONE), graph.add("Shape", scores))
            scores = graph.add("ScatterElements", none, where, best, axis=2)
        low, high = halves(graph, boxes)
        # A box whose corners are exchanged has no area; ONNX would put them right.
        ordered = graph.concat([low, graph.add("Max", low, _plus(graph, high, self.extent))], -1)
        most = count.tensor() if self.limit < 0 else graph.ints([self.limit])
        return graph.add(
            "NonMaxSuppression",
            ordered,
            scores,
            most,
            graph.floats([min(self.overlap, 1.0)]),
            graph.floats([max(self.threshold, _LOWEST)]),
        )


def column(graph: Graph, rows: Tensor, i: int) -> Tensor:
    """Column `i` of rows (K, M), as (K, 1)."""
    return graph.slice(rows, [i], [i + 1], [1])


def best_of_images(
    graph: Graph, found: Tensor, scores: Tensor, keep: int, classes: int, count: Size
) -> Tensor:
    """The rows `found` (image, class, box) of the `keep` best of each image, in their order.

    `scores` (N, C, P).
    """
    flat = graph.reshape(scores, [0, -1])
    own = graph.add("GatherND", scores, found)
    first = graph.add("Mul", column(graph, found, 1), count.tensor())
    place = graph.add("Add", first, column(graph, found, 2))
    at = graph.concat([column(graph, found, 0), place], 1)
    shape = graph.add("Shape", flat)
    none = graph.add("Expand", graph.floats(_NONE), shape)
    kept_scores = graph.add("ScatterND", none, at, own)
    k = (count * classes).minimum(keep)
    _, where = graph.add_many("TopK", [kept_scores, k.tensor()], 2, axis=1)
    zeros = graph.add("Expand", graph.ints(0), shape)
    ones = graph.add("Expand", graph.ints(1), graph.add("Shape", where))
    marks = graph.add("ScatterElements", zeros, where, ones, axis=1)
    return graph.add("Compress", found, graph.to_bools(graph.add("GatherND", marks, at)), axis=0)


def detection_rows(
    graph: Graph, images: Size, image: Tensor, label: Tensor, score: Tensor, box: Tensor
) -> Tensor:
    """Detections (1, 1, K, 7), from columns (K, 1) and boxes (K, 4).

    Without any, a row for each image that is -1 behind its number.
    """
    rows = graph.concat([graph.to_floats(image), graph.to_floats(label), score, box], 1)
    numbers = graph.add("Range", graph.ints(0), images.scalar(), graph.ints(1))
    first = graph.unsqueeze(graph.to_floats(numbers), [1])
    others = graph.add("Expand", graph.floats(-1), vector(graph, [images, 6]))
    found = graph.add("Shape", rows, start=0, end=1)
    is_empty = graph.to_ints(graph.add("Equal", found, graph.ints(0)))
    needed = graph.add("Mul", is_empty, images.tensor())
    instead = graph.slice(graph.concat([first, others], 1), [0], needed, [0])
    return graph.unsqueeze(graph.concat([rows, instead], 0), [0, 1])
