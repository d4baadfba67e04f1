"""Pooling of regions, one after the other in a Scan: what a region needs depends on its size."""

from __future__ import annotations

from collections.abc import Callable

from caffe_lite.export.onnx.builder import Graph, Tensor
from caffe_lite.export.onnx.scans import scan
from caffe_lite.export.onnx.site import Site

# From a graph, an image (C, H, W), the corners x1, y1, x2, y2 (), and H and W (1,) as int64, to
# the values of the region.
Pooler = Callable[[Graph, Tensor, list[Tensor], list[Tensor]], Tensor]


def over_regions(site: Site, pool: Pooler) -> Tensor:
    """`pool` of every region (image, x1, y1, x2, y2) in bottom[1], for features in bottom[0].

    A region of an image that does not exist gives zeros.
    """
    graph = site.graph
    regions = graph.reshape(site.x[1], [-1, 5])
    features, images = site.x[0], site.size(0).tensor()
    size = [site.size(axis).tensor() for axis in (2, 3)]

    def step(body: Graph, row: Tensor) -> Tensor:
        number, *corners = (body.squeeze(part, [0]) for part in body.split(row, [1] * 5, 0))
        index = body.to_ints(number)
        exists = body.add(
            "And",
            body.add("GreaterOrEqual", index, body.ints(0)),
            body.add("Less", index, body.squeeze(images, [0])),
        )
        safe = body.add("Where", exists, index, body.ints(0))
        image = body.add("Gather", features, safe, axis=0)
        values = pool(body, image, corners, size)
        return body.add("Where", exists, values, body.floats(0))

    return scan(graph, step, regions)


def rounded(graph: Graph, x: Tensor) -> Tensor:
    """The nearest whole numbers, halves away from zero."""
    size = graph.add("Floor", graph.add("Add", graph.add("Abs", x), graph.floats(0.5)))
    return graph.add("Mul", graph.add("Sign", x), size)


def point_weights(
    graph: Graph, places: Tensor, size: Tensor, before: float, beyond: float
) -> Tensor:
    """The weights (..., size) of pixels in points at `places` (...), interpolated linearly.

    Points from `before` to size + `beyond` take the values at the edge, others have no weights.
    """
    one, zero = graph.floats(1), graph.floats(0)
    most = graph.to_floats(size)
    inside = graph.add(
        "And",
        graph.add("GreaterOrEqual", places, graph.floats(before)),
        graph.add("LessOrEqual", places, graph.add("Add", most, graph.floats(beyond))),
    )
    cut = graph.add("Max", graph.add("Min", places, graph.add("Sub", most, one)), zero)
    pixel = graph.to_floats(
        graph.add("Range", graph.ints(0), graph.squeeze(size, [0]), graph.ints(1))
    )
    distance = graph.add("Abs", graph.add("Sub", graph.unsqueeze(cut, [-1]), pixel))
    weight = graph.add("Max", graph.add("Sub", one, distance), zero)
    return graph.add("Mul", weight, graph.to_floats(graph.unsqueeze(inside, [-1])))
