import numpy as np
import pytest

from caffe_lite.testing import check_layer, make_layer
from tests.layer_case import Case, spread
from tests.layers.helpers import distinct, fails

# Neither differ by nearly 0 from each other nor from the padding.
A, B = distinct(2, 3, 6, 7) + 0.02, distinct(2, 3, 6, 7) + 0.05
LAYER = 'type: "Correlation" correlation_param { %s }'
FIELDS = "pad: 2 kernel_size: 3 max_displacement: 2 stride_1: 2 stride_2: 2"

CASES = [
    Case(
        "Correlation",
        f"correlation_param {{ {FIELDS} {more} }}",
        (spread(3, 2, 5, 6), spread(3, 2, 5, 6) + 0.0321),
        allocates="slices for every shift",
    )
    for more in ("", "correlation_type: SUBTRACT")
]
SAMPLES = {"Correlation": (A, B)}


def by_loop(a, b, pad, kernel, reach, step1, step2, subtract=False):
    a, b = (np.pad(x, [(0, 0), (0, 0), (pad, pad), (pad, pad)]) for x in (a, b))
    border = reach + (kernel - 1) // 2
    height, width = (int(np.ceil((side - 2 * border) / step1)) for side in a.shape[2:])
    count = reach // step2
    shifts = [(p, q) for p in range(-count, count + 1) for q in range(-count, count + 1)]
    y = np.zeros((len(a), len(shifts), height, width))
    for n, k, i, j in np.ndindex(y.shape):
        r, c = i * step1 + reach, j * step1 + reach
        down, right = shifts[k][0] * step2, shifts[k][1] * step2
        one = a[n, :, r : r + kernel, c : c + kernel]
        two = b[n, :, r + down : r + down + kernel, c + right : c + right + kernel]
        y[n, k, i, j] = np.abs(one - two).mean() if subtract else (one * two).mean()
    return y


@pytest.mark.parametrize("subtract", [False, True])
@pytest.mark.parametrize(
    "pad, kernel, reach, step1, step2",
    [(2, 3, 2, 2, 2), (2, 1, 2, 1, 1), (0, 1, 1, 1, 1), (3, 3, 2, 1, 2), (4, 1, 3, 3, 2)],
)
def test_values_and_gradients(pad, kernel, reach, step1, step2, subtract):
    text = LAYER % (
        f"pad: {pad} kernel_size: {kernel} max_displacement: {reach} stride_1: {step1} "
        f"stride_2: {step2} correlation_type: {'SUBTRACT' if subtract else 'MULTIPLY'}"
    )
    (y,) = make_layer(text, [A, B]).forward()
    expected = by_loop(A, B, pad, kernel, reach, step1, step2, subtract)
    np.testing.assert_allclose(y, expected, rtol=1e-9, atol=1e-12)
    check_layer(text, [A, B])
    check_layer(text, [A[:1], B[:1]])


def test_errors():
    fails(LAYER % "kernel_size: 1", [A, B], "needs max_displacement")
    fails(LAYER % "kernel_size: 2 max_displacement: 1", [A, B], "must be odd, got 2")
    fails(LAYER % "kernel_size: 1 max_displacement: 3", [A, B], "do not fit")
    fails(LAYER % "kernel_size: 1 max_displacement: 1 stride_2: 0", [A, B], "at least 1")
    fails(LAYER % "kernel_size: 1 max_displacement: 1", [A, B[:, 1:]], "one shape")
