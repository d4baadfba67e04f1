import numpy as np
import pytest

from caffe_lite.proto import load, schema
from caffe_lite.testing import check_layer, make_layer
from tests.layer_case import FILLERS, Case, spread
from tests.layers.helpers import fails, normal

X = normal(2, 3, 4, 5, 6)
FIELDS = f"num_output: 4 kernel_size: 3 kernel_depth: 2 {FILLERS}"
LAYER = f'type: "Convolution3D" %s {{ {FIELDS} %s }}'
NAMES = ("convolution3d_param", "convolution_param")

CASES = [
    Case(
        "Convolution3D",
        f"{name} {{ {FIELDS} pad: 1 temporal_stride: 2 }}",
        (spread(3, 2, 4, 5, 4),),
        allocates="convolves over three axes by the reference implementation",
    )
    for name in NAMES
]
SAMPLES = {"Convolution3D": (X,)}


def by_loop(x, weight, bias, stride, pad):
    x = np.pad(x, [(0, 0), (0, 0), *[(p, p) for p in pad]])
    kernel = weight.shape[2:]
    made = [(size - k) // s + 1 for size, k, s in zip(x.shape[2:], kernel, stride, strict=True)]
    y = np.empty((len(x), len(weight), *made))
    for n, o, *at in np.ndindex(y.shape):
        window = x[(n, slice(None), *(slice(a * s, a * s + k) for a, s, k in
                                     zip(at, stride, kernel, strict=True)))]  # fmt: skip
        y[(n, o, *at)] = (window * weight[o]).sum() + bias[o]
    return y


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "text, stride, pad",
    [
        ("", (1, 1, 1), (0, 0, 0)),
        ("pad: 1 temporal_pad: 2", (1, 1, 1), (2, 1, 1)),
        ("stride: 2 temporal_stride: 3 pad: 1 temporal_pad: 1", (3, 2, 2), (1, 1, 1)),
        ("filter_group: 2", (1, 1, 1), (0, 0, 0)),
    ],
)
def test_values_and_gradients(name, text, stride, pad):
    run = make_layer(LAYER % (name, text), [X])
    weight, bias = (blob.data.copy() for blob in run.layer.blobs)
    assert weight.shape == (4, 3, 2, 3, 3) and bias.shape == (1, 1, 1, 1, 4)
    expected = by_loop(X, weight, bias.ravel(), stride, pad)
    np.testing.assert_allclose(run.forward()[0], expected, rtol=1e-9, atol=1e-12)
    check_layer(LAYER % (name, text), [X])
    check_layer(LAYER % (name, text), [X[:1]])


def test_without_a_bias():
    run = make_layer(LAYER % ("convolution3d_param", "bias_term: false"), [X])
    assert len(run.layer.blobs) == 1


def test_the_old_form_of_c3d_1_0(tmp_path):
    path = tmp_path / "net.prototxt"
    path.write_text("""
        input: "data"  input_dim: 2  input_dim: 3  input_dim: 5  input_dim: 7
        layers { name: "conv" type: CONVOLUTION3D bottom: "data" top: "conv" blobs_lr: 2
                 convolution_param { num_output: 4 kernel_size: 3 kernel_depth: 2
                                     temporal_pad: 1 } }
        layers { name: "pool" type: POOLING3D bottom: "conv" top: "pool"
                 pooling_param { pool: MAX kernel_size: 2 kernel_depth: 1 temporal_stride: 1 } }
    """)
    net = load.load_net(str(path))
    assert [layer.type for layer in net.layer][-2:] == ["Convolution3D", "Pooling3D"]
    assert net.layer[-2].convolution_param.temporal_pad == 1
    assert net.layer[-1].pooling_param.kernel_depth == 1
    assert isinstance(net, schema.NetParameter)


def test_errors():
    text = 'type: "Convolution3D" convolution_param { num_output: 4 kernel_size: 3 %s }'
    fails(text % "", [X], "needs kernel_size, kernel_depth", "kernel_depth: 0")
    fails(text % "kernel_depth: 2 kernel_size: 3", [X], "kernel_size must be given once")
    fails(LAYER % ("convolution3d_param", ""), [X[0]], "(N, C, L, H, W)", "(3, 4, 5, 6)")
    fails(text % "kernel_depth: 9", [X], "does not fit")
