"""What layers over scores of classes share: where the classes lie, and one label per prediction."""

from math import prod

from caffe_lite.blob import Blob
from caffe_lite.layers.base import Layer


def class_view(layer: Layer, scores: Blob, label: Blob, axis: int) -> tuple[int, int, int]:
    """(outer, C, inner) for scores with C classes on `axis`.

    Fails unless there is one label for each of the outer * inner predictions.
    """
    shape = scores.shape
    axis = layer.canonical_axis(axis, len(shape))
    outer, inner = prod(shape[:axis]), prod(shape[axis + 1 :])
    if label.count != outer * inner:
        raise layer.fail_shape(
            1,
            (*shape[:axis], *shape[axis + 1 :]),
            f"needs one label per prediction: {outer * inner} for scores of shape "
            f"{shape} with classes on axis {axis}, got {label.count} (shape "
            f"{label.shape})",
        )
    return outer, shape[axis], inner
