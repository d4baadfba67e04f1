"""One value per channel, in the shape in which it broadcasts over a blob."""

from caffe_lite.types import Array


def per_channel(values: Array, x: Array) -> Array:
    """`values` (C,) as a view of shape (C, 1, ...), which broadcasts along axis 1 of x (N, C, ...).

    x has two axes or more.
    """
    return values.reshape((-1,) + (1,) * (x.ndim - 2))
