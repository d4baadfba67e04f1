import numpy as np
import pytest

from caffe_lite.nets.net import Net
from caffe_lite.testing import check_layer, make_layer
from tests.forks.norms.formula import moments, normalized
from tests.layer_case import Case, spread
from tests.layers.helpers import fails, normal, params, untouched

X = normal(3, 4, 2, 5) * 2 + 1
FILLED = 'scale_filler { type: "uniform" min: 0.5 max: 2 } shift_filler { type: "uniform" min: -1 }'
LAYER = f'type: "BN" bn_param {{ {FILLED} %s }}'

CASES = [
    Case("BN", f"bn_param {{ {FILLED} }}", (spread(4, 3, 2, 5),)),
    Case("BN", f"bn_param {{ {FILLED} bn_mode: INFERENCE }}", (spread(4, 3, 2, 5),)),
]
SAMPLES = {"BN": (X,)}


@pytest.mark.parametrize("phase", ["TRAIN", "TEST"])
@pytest.mark.parametrize("shape", [(3, 4, 2, 5), (7, 4), (1, 4, 2, 5)])
def test_learn(phase, shape):
    x = normal(*shape)
    run = make_layer(LAYER % "", [x], phase=phase, tops=3)
    scale, shift = params(run)
    assert scale.shape == shift.shape == (1, 4, 1, 1)
    y, mean, var = run.forward()
    np.testing.assert_allclose(
        y, normalized(x, *moments(x), 1e-9, scale, shift), rtol=1e-6, atol=1e-7
    )
    for top, expected in zip((mean, var), moments(x), strict=True):
        np.testing.assert_allclose(top, expected.reshape(1, 4, 1, 1), rtol=1e-6, atol=1e-7)
    check_layer(LAYER % "", [x], phase=phase)


@pytest.mark.parametrize("phase", ["TRAIN", "TEST"])
def test_inference(phase):
    run = make_layer(LAYER % "bn_mode: INFERENCE", [X], phase=phase)
    scale, shift = params(run)
    np.testing.assert_allclose(run.forward()[0], X * scale + shift, rtol=1e-6, atol=1e-7)
    check_layer(LAYER % "bn_mode: INFERENCE", [X], phase=phase)
    check_layer(LAYER % "bn_mode: INFERENCE", [X[:1]], phase=phase)


@pytest.mark.parametrize("mode", ["LEARN", "INFERENCE"])
def test_in_place(mode):
    apart = make_layer(LAYER % f"bn_mode: {mode}", [X])
    y, dy = apart.forward()[0], normal(*X.shape)
    within = make_layer(LAYER % f"bn_mode: {mode}", [X], in_place=True)
    np.testing.assert_allclose(within.forward()[0], y, rtol=1e-6, atol=1e-7)
    for mine, expected in zip(within.backward([dy]), apart.backward([dy]), strict=True):
        for a, b in zip(mine, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)


def test_an_old_definition(tmp_path):
    path = tmp_path / "old.prototxt"
    path.write_text(
        """input: "x" input_dim: 2 input_dim: 3 input_dim: 4 input_dim: 5
           layers { bottom: "x" top: "y" name: "bn" type: BN blobs_lr: 1 blobs_lr: 2
                    bn_param { scale_filler { type: "constant" value: 3 } bn_mode: INFERENCE } }"""
    )
    net = Net(str(path))
    net.blobs["x"].data[...] = 2
    net.forward()
    assert (net.blobs["y"].data == 6).all()


def test_without_fillers_blobs_are_zero():
    run = make_layer('type: "BN"', [X])
    assert not any(blob.data.any() for blob in run.layer.blobs)


def test_without_propagate_down_the_gradient_stays():
    untouched(make_layer(LAYER % "", [X]), [X])


def test_errors():
    fails(LAYER % "bn_mode: INFERENCE", [X], "top[1] and top[2]", tops=2)
    fails('type: "BN"', [np.ones(3)], "at least 2 axes", "(3,)")
