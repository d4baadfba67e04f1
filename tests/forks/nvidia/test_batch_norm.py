import numpy as np
import pytest

from caffe_lite.layers import batch_norm
from caffe_lite.testing import check_layer, make_layer
from tests.forks.norms.formula import moments, normalized
from tests.layer_case import Case, spread
from tests.layers.helpers import normal, params, untouched

X = normal(3, 4, 2, 5) * 2 + 1
FILLED = 'scale_filler { type: "uniform" min: 0.5 max: 2 } bias_filler { type: "uniform" min: -1 }'
LAYER = f'type: "BatchNorm" batch_norm_param {{ {FILLED} eps: 0.1 %s }}'

CASES = [
    Case("BatchNorm", f"batch_norm_param {{ {FILLED} }}", (spread(4, 3, 2, 5),)),
    Case("BatchNorm", "batch_norm_param { scale_bias: true }", (spread(4, 3, 2, 5),), phase="TEST"),
]
SAMPLES = {"BatchNorm": (X,)}


def test_batches_of_the_train_phase():
    run = make_layer(LAYER % "moving_average_fraction: 0.7", [X])
    _, _, weight, scale, bias = params(run)
    assert weight == [1] and scale.shape == bias.shape == (4,)
    count, averages = X[:, 0].size, None
    for batch in range(4):
        x = X * (batch + 1) + batch
        run.bottom[0].data[...] = x
        mean, var = moments(x)
        (y,) = run.forward()
        np.testing.assert_allclose(
            y, normalized(x, mean, var, 0.1, scale, bias), rtol=1e-6, atol=1e-7
        )
        now = np.stack([mean, var * count / (count - 1)])
        averages = now if batch < 2 else 0.7 * averages + 0.3 * now
        for blob, expected in zip(run.layer.blobs[:2], averages, strict=True):
            np.testing.assert_allclose(blob.data, expected, rtol=1e-6, atol=1e-7)
        assert run.layer.blobs[2].data == [1]
    check_layer(LAYER % "", [X])
    check_layer(LAYER % "", [X[:1]])


@pytest.mark.parametrize("param, phase", [("", "TEST"), ("use_global_stats: true", "TRAIN")])
def test_averages_are_used(param, phase):
    run = make_layer(LAYER % param, [X], phase=phase)
    mean, var = normal(4), abs(normal(4)) + 0.2
    for blob, values in zip(run.layer.blobs, (mean, var, 2), strict=False):
        blob.data[...] = values
    *_, scale, bias = params(run)
    expected = normalized(X, mean / 2, var / 2, 0.1, scale, bias)
    np.testing.assert_allclose(run.forward()[0], expected, rtol=1e-6, atol=1e-7)
    check_layer(LAYER % param, [X], phase=phase)


def test_scale_and_bias_are_one_and_zero_without_fillers():
    run = make_layer('type: "BatchNorm" batch_norm_param { scale_bias: true }', [X])
    *_, scale, bias = params(run)
    assert (scale == 1).all() and (bias == 0).all()
    assert [spec.lr_mult for spec in run.layer.param.param] == [0, 0, 0, 1, 1]


def test_scale_bias_false_leaves_them_out():
    run = make_layer('type: "BatchNorm" batch_norm_param { scale_bias: false }', [X])
    assert len(run.layer.blobs) == 3
    np.testing.assert_allclose(
        run.forward()[0], normalized(X, *moments(X), 1e-5), rtol=1e-6, atol=1e-7
    )


def test_without_these_fields_it_is_caffes():
    run = make_layer('type: "BatchNorm" batch_norm_param { eps: 0.1 }', [X])
    assert type(run.layer) is batch_norm.BatchNorm


def test_a_resumed_layer_does_not_begin_its_averages_again():
    run = make_layer(LAYER % "moving_average_fraction: 0.7", [X])
    for _ in range(3):
        run.forward()
    state, blobs = run.layer.get_state(), params(run)
    other = make_layer(LAYER % "moving_average_fraction: 0.7", [X + 1])
    other.layer.set_state(state)
    for blob, values in zip(other.layer.blobs, blobs, strict=True):
        blob.data[...] = values
    other.forward()
    expected = 0.7 * blobs[0] + 0.3 * moments(X + 1)[0]
    np.testing.assert_allclose(other.layer.blobs[0].data, expected, rtol=1e-6, atol=1e-7)


def test_without_propagate_down_the_gradient_stays():
    untouched(make_layer(LAYER % "", [X]), [X])
