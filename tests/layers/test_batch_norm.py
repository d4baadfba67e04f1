import numpy as np
import pytest

from caffe_lite.errors import LayerError
from caffe_lite.testing import check_layer, make_layer
from tests.layers.helpers import fails, normal

EPS = 0.3
TEXT = f'type: "BatchNorm" batch_norm_param {{ moving_average_fraction: 0.75 eps: {EPS} }}'
STATISTICS = (np.array([0.5, -1.0, 2.0]), np.array([3.0, 1.0, 0.25]), np.array([2.0]))


def set_statistics(layer):
    for blob, values in zip(layer.blobs, STATISTICS, strict=True):
        blob.data[...] = values


def channels_of(x):
    """The values of each channel, as lists."""
    return [
        [x[index] for index in np.ndindex(*x.shape) if index[1] == c] for c in range(x.shape[1])
    ]


@pytest.mark.parametrize("shape", [(4, 3), (2, 3, 5), (1, 3, 4, 2), (2, 3, 2, 2, 2)])
@pytest.mark.parametrize("in_place", [False, True])
def test_batch_statistics(shape, in_place):
    x = 2 * normal(*shape) + 1
    (y,) = make_layer(TEXT, [x], in_place=in_place).forward()
    for c, values in enumerate(channels_of(x)):
        mean = sum(values) / len(values)
        var = sum((v - mean) ** 2 for v in values) / len(values)
        for index in np.ndindex(*shape):
            if index[1] == c:
                assert y[index] == pytest.approx((x[index] - mean) / (var + EPS) ** 0.5)
    check_layer(TEXT, [x], in_place=in_place)


def test_running_statistics_over_two_batches():
    first, second = normal(4, 3, 2) * 3, normal(4, 3, 2) + 1
    run = make_layer(TEXT, [first])
    set_statistics(run.layer)
    run.forward()
    run.bottom[0].data[...] = second
    run.forward()
    sums = [STATISTICS[0].copy(), STATISTICS[1].copy(), 2.0]
    for x in (first, second):
        values = [np.array(v) for v in channels_of(x)]
        sums[0] = 0.75 * sums[0] + [v.mean() for v in values]
        sums[1] = 0.75 * sums[1] + [v.var() * 8 / 7 for v in values]
        sums[2] = 0.75 * sums[2] + 1
    for blob, expected in zip(run.layer.blobs, sums, strict=True):
        np.testing.assert_allclose(blob.data, expected if np.ndim(expected) else [expected])


def test_one_value_per_channel_has_no_variance_to_correct():
    run = make_layer(TEXT, [normal(1, 3)])
    run.forward()
    assert run.layer.blobs[1].data.tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    "options",
    [
        {"phase": "TEST"},
        {"phase": "TRAIN", "extra": "use_global_stats: true"},
    ],
)
@pytest.mark.parametrize("in_place", [False, True])
def test_stored_statistics(options, in_place):
    text = TEXT.replace("eps", f"{options.get('extra', '')} eps")
    x = normal(2, 3, 4)
    run = make_layer(text, [x], phase=options["phase"], in_place=in_place)
    set_statistics(run.layer)
    (y,) = run.forward()
    for index in np.ndindex(*x.shape):
        mean, var = STATISTICS[0][index[1]] / 2, STATISTICS[1][index[1]] / 2
        assert y[index] == pytest.approx((x[index] - mean) / (var + EPS) ** 0.5)
    for blob, values in zip(run.layer.blobs, STATISTICS, strict=True):
        np.testing.assert_array_equal(blob.data, values)
    check_layer(text, [x], phase=options["phase"], in_place=in_place, prepare=set_statistics)


def test_the_test_phase_can_use_the_batch():
    x = normal(4, 3)
    text = TEXT.replace("eps", "use_global_stats: false eps")
    np.testing.assert_array_equal(
        make_layer(text, [x], phase="TEST").forward()[0], make_layer(TEXT, [x]).forward()[0]
    )


def test_untrained_statistics_count_as_0():
    x = normal(2, 3)
    (y,) = make_layer(TEXT, [x], phase="TEST").forward()
    np.testing.assert_allclose(y, x / EPS**0.5, rtol=1e-6)


def test_one_axis_is_one_channel():
    x = normal(5)
    (y,) = make_layer(TEXT, [x]).forward()
    np.testing.assert_allclose(y, (x - x.mean()) / np.sqrt(x.var() + EPS), rtol=1e-6)


def test_later_layers_may_overwrite_the_top():
    x, dy = normal(4, 3), normal(4, 3)
    runs = [make_layer(TEXT, [x]) for _ in range(2)]
    for run in runs:
        run.forward()
    runs[0].top[0].data[...] = 0
    np.testing.assert_array_equal(*(run.backward([dy])[0][0] for run in runs))


def test_the_solver_leaves_the_statistics_alone():
    layer = make_layer(TEXT + " param { name: 'mean' lr_mult: 0 }", [normal(2, 3)]).layer
    assert [spec.lr_mult for spec in layer.param.param] == [0, 0, 0]
    assert layer.param_propagate_down == [False] * 3
    fails(
        TEXT + " param { } param { lr_mult: 1 }",
        [normal(2, 3)],
        "param 0 must have lr_mult: 0, got 1",
    )


def test_errors():
    fails(TEXT, [np.zeros((0, 3))], "(0, 3)")
    fails(TEXT, [1.0], "scalar")
    run = make_layer(TEXT, [normal(2, 3)])
    run.bottom[0].reshape(2, 4)
    with pytest.raises(LayerError, match="4 channels, the statistics have 3"):
        run.reshape()
