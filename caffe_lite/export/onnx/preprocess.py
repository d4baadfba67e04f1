"""Preprocessing of images as nodes in front of the net."""

import numpy as np

from caffe_lite.errors import ModelError
from caffe_lite.export.onnx.builder import Graph, Tensor
from caffe_lite.export.preprocess import Preprocess
from caffe_lite.types import Shape


def preprocessed(
    graph: Graph, steps: Preprocess, name: str, shape: Shape, free: set[int]
) -> Tensor:
    """The value of the net's input for images `name` of this shape; see `Preprocess`."""
    mean = steps.mean_for(name, shape)
    graph.prefix = f"{name}_preprocess"
    value: Tensor = name
    if mean is not None and mean.shape[1:] != (1, 1) and free & {2, 3}:
        raise ModelError(
            f'--mean: a mean image fixes the size of input "{name}", which is free; give a number '
            "for each channel"
        )
    if steps.bgr:
        value = graph.add("Gather", value, graph.ints([2, 1, 0]), axis=1)
    if mean is not None:
        value = graph.add("Sub", value, graph.floats(mean))
    if steps.scale != 1:
        value = graph.add("Mul", value, graph.floats(np.float32(steps.scale)))
    return value
