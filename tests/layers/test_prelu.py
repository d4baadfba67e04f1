import numpy as np
import pytest

from caffe_lite.errors import LayerError
from caffe_lite.testing import check_layer, make_layer
from tests.layers.neurons import inputs

SLOPES = np.array([0.3, -0.6, 1.4])


def set_slopes(layer):
    layer.blobs[0].data[...] = SLOPES if layer.blobs[0].count == 3 else 0.7


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 5), (1, 3, 2, 4)])
@pytest.mark.parametrize("in_place", [False, True])
def test_formula_and_gradient(shape, in_place):
    x = inputs(shape)
    run = make_layer('type: "PReLU"', [x], in_place=in_place)
    set_slopes(run.layer)
    (y,) = run.forward()
    for index in np.ndindex(*shape):
        v = x[index]
        assert y[index] == pytest.approx(v if v > 0 else SLOPES[index[1]] * v)
    check_layer('type: "PReLU"', [x], in_place=in_place, prepare=set_slopes)


@pytest.mark.parametrize("in_place", [False, True])
def test_one_slope_for_all(in_place):
    text = 'type: "PReLU" prelu_param { channel_shared: true }'
    x = inputs((2, 3, 4))
    run = make_layer(text, [x], in_place=in_place)
    assert run.layer.blobs[0].shape == ()
    set_slopes(run.layer)
    np.testing.assert_allclose(run.forward()[0], np.where(x > 0, x, 0.7 * x))
    check_layer(text, [x], in_place=in_place, prepare=set_slopes)


def test_slope_starts_at_a_quarter_or_as_the_filler_says():
    x = np.full((1, 2), -1.0)
    assert make_layer('type: "PReLU"', [x]).forward()[0].tolist() == [[-0.25, -0.25]]
    text = 'type: "PReLU" prelu_param { filler { value: 0.5 } }'
    assert make_layer(text, [x]).forward()[0].tolist() == [[-0.5, -0.5]]


def test_at_0_the_gradient_is_the_slope():
    run = make_layer('type: "PReLU"', [[[0.0]]])
    run.forward()
    assert run.backward([[[1.0]]])[0][0].tolist() == [[0.25]]


def test_errors():
    with pytest.raises(LayerError, match="at least 2 axes"):
        make_layer('type: "PReLU"', [[1.0, 2.0]])
    run = make_layer('type: "PReLU"', [np.ones((2, 3))])
    run.bottom[0].reshape(2, 4)
    with pytest.raises(LayerError, match="4 channels, the learned slope has 3"):
        run.reshape()
