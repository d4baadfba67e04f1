"""What is asked of both Bias and Scale: the axes that a coefficient may lie along."""

import pytest

from tests.layers.helpers import normal

X = normal(2, 3, 4, 5)

# Of X: the layer's parameter, the first axis and the shape of the coefficient.
LEARNED = pytest.mark.parametrize(
    "param, axis, shape",
    [
        ("", 1, (3,)),
        ("axis: 0", 0, (2,)),
        ("axis: -1", 3, (5,)),
        ("axis: 1 num_axes: 2", 1, (3, 4)),
        ("axis: 2 num_axes: -1", 2, (4, 5)),
        ("axis: 0 num_axes: -1", 0, (2, 3, 4, 5)),
        ("num_axes: 0", 1, ()),
    ],
)
SECOND_BOTTOM = pytest.mark.parametrize(
    "param, axis, shape",
    [
        ("", 1, (3,)),
        ("", 1, (3, 4)),
        ("axis: 0", 0, (2,)),
        ("axis: -2", 2, (4, 5)),
        ("", 1, ()),
        ("axis: 0", 0, (2, 3, 4, 5)),
    ],
)
