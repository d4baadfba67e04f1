"""What the layer tests share."""

import re

import numpy as np
import pytest

from caffe_lite.errors import CaffeError
from caffe_lite.testing import make_layer

RNG = np.random.default_rng(5)

FILLED = 'weight_filler { type: "gaussian" std: 0.7 } bias_filler { type: "gaussian" std: 0.5 }'


def normal(*shape):
    """Standard normal numbers, float64."""
    return RNG.normal(size=shape)


def distinct(*shape):
    """Numbers of mean 0 that all differ by at least 0.1, so that no maximum is near a tie."""
    count = int(np.prod(shape))
    return (RNG.permutation(count).reshape(shape) - count / 2) * 0.1


def params(run):
    """Copies of a run's learned blobs."""
    return [blob.data.copy() for blob in run.layer.blobs]


def fails(prototxt, bottoms, *parts, **options):
    """Building and running the layer must raise one line with the layer's name and `parts`."""
    with pytest.raises(CaffeError) as caught:
        run = make_layer(prototxt, bottoms, **options)
        run.forward()
    message = str(caught.value)
    assert re.match(r'layer "layer" \(\w+\): ', message), message
    assert "\n" not in message
    for part in parts:
        assert part in message, message


def untouched(run, top_diffs):
    """Without propagate_down, backward must leave every bottom diff alone."""
    run.forward()
    for blob in run.bottom:
        blob.diff[...] = 7
    run.backward(top_diffs, [False] * len(run.bottom))
    for blob in run.bottom:
        assert (blob.diff == 7).all()
