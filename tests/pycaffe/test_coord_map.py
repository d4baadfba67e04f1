"""Coordinates between tops: by the formulas, and by what a net's Crop really cuts."""

import numpy as np
import pytest

import caffe_lite.pycaffe as caffe
from caffe_lite.pycaffe import layers as L  # noqa: N812
from caffe_lite.pycaffe.coord_map import coord_map_from_to, crop


def up_net(pad=0, conv_stride=4, up_stride=4, up_pad=0, size=24):
    n = caffe.NetSpec()
    n.data = L.Input(shape=dict(dim=[1, 1, size, size]))
    n.conv = L.Convolution(n.data, num_output=1, kernel_size=3, stride=conv_stride, pad=pad)
    n.relu = L.ReLU(n.conv, in_place=True)
    n.up = L.Deconvolution(
        n.relu,
        convolution_param=dict(
            num_output=1, kernel_size=2 * up_stride, stride=up_stride, pad=up_pad
        ),
    )
    return n


@pytest.mark.parametrize(
    "net, scale, shift",
    [
        # x / 4 + (0 - 1) / 4, then 4 x + 7 / 2
        (up_net(), 1, -2.5),
        (up_net(pad=20), 1, -22.5),
        (up_net(up_pad=2), 1, -0.5),
        # x / 2 - 1 / 2, then 4 x + 7 / 2
        (up_net(conv_stride=2), 0.5, -0.75),
    ],
)
def test_maps_by_hand(net, scale, shift):
    axis, a, b = coord_map_from_to(net.up, net.data)
    assert axis == 1
    np.testing.assert_allclose([a[0], b[0]], [scale, shift])
    _, back, shift_back = coord_map_from_to(net.data, net.up)
    np.testing.assert_allclose([back[0], shift_back[0]], [1 / scale, -shift / scale])


def test_sides_differ_and_dilation_widens():
    data = L.Input(shape=dict(dim=[1, 1, 20, 20]))
    conv = L.Convolution(data, num_output=1, kernel_size=[3, 5], pad=[0, 10], dilation=[1, 2])
    np.testing.assert_allclose(coord_map_from_to(conv, data).shift, [1, -6])
    pool = L.Pooling(data, pooling_param=dict(kernel_size=4, stride=2))
    np.testing.assert_allclose(coord_map_from_to(pool, data)[1:], [[2], [1.5]])


def test_a_crop_follows_through_crops():
    n = up_net(pad=20, up_pad=1, conv_stride=2, up_stride=2)
    plain = coord_map_from_to(n.up, n.data)
    n.cut = L.Crop(n.up, n.data, axis=2, offset=5)
    np.testing.assert_allclose(coord_map_from_to(n.cut, n.data).shift, plain.shift + 5)


def test_the_crop_lies_where_the_pixel_was(tmp_path):
    """One bright pixel comes back at its own place: enlarged by copying, cropped by crop()."""
    n = caffe.NetSpec()
    n.data = L.Input(shape=dict(dim=[1, 1, 12, 12]))
    n.padded = L.Convolution(n.data, num_output=1, kernel_size=1, pad=9)
    n.same = L.Convolution(n.padded, num_output=1, kernel_size=3, pad=0)
    n.score = crop(n.same, n.data)
    assert n.score.fn.params["crop_param"] == {"axis": 2, "offset": [8]}
    path = tmp_path / "net.prototxt"
    path.write_text(str(n.to_proto()))
    net = caffe.Net(str(path), caffe.TEST)
    net.params["padded"][0].data[...] = 1
    net.params["same"][0].data[0, 0, 1, 1] = 1
    given = np.random.RandomState(0).normal(size=(1, 1, 12, 12)).astype(np.float32)
    np.testing.assert_allclose(net.forward(data=given)["score"], given, rtol=1e-6)


def test_what_cannot_be_cropped_is_told():
    n = up_net()
    n.fc = L.InnerProduct(n.up, num_output=2)
    wider = up_net(conv_stride=2)
    valid = L.Convolution(n.data, num_output=1, kernel_size=3)
    for act, error, words in [
        (lambda: coord_map_from_to(n.fc, n.data), RuntimeError, "no spatial layers lead from"),
        (lambda: crop(n.up, n.data), AssertionError, r"between pixels, at \[2.5\]"),
        (lambda: crop(wider.up, wider.data), AssertionError, r"second top is \[2.\] of the"),
        (lambda: crop(valid, n.data), AssertionError, r"begin outside, at \[-1.\]"),
    ]:
        with pytest.raises(error, match=words):
            act()
    odd = L.Convolution(n.data, num_output=1, kernel_h=3, kernel_w=3)
    with pytest.raises(AssertionError, match="kernel_h, kernel_w and the like are not supported"):
        crop(odd, n.data)
