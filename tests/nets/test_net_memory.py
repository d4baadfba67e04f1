"""When a net takes memory, gives it back, and what it tells where there is none left."""

import pytest

from caffe_lite.backend.gpu.cuda import OutOfDeviceMemoryError
from caffe_lite.errors import BackendError, LayerError
from caffe_lite.layers.euclidean_loss import EuclideanLoss
from tests.nets.small_net import SMALL, build


def test_closing_gives_memory_back(net):
    with net:
        net.forward()
        assert net.blobs["y"].has_data
    assert not net.blobs["y"].has_data


def test_describing_a_net_takes_no_memory():
    net = build(SMALL % "")
    assert not any(blob.has_data for blob in net.learnable_params)


def test_a_device_without_memory_tells_the_largest_blobs(net, monkeypatch):
    def fail(*_):
        raise OutOfDeviceMemoryError("gpu:0: no memory for an array of shape (9,)")

    monkeypatch.setattr(net.layers[net.layer_index("b")], "forward", fail)
    with pytest.raises(BackendError, match=r"the net's largest blobs: h 5x4 \(0 MiB\), x 5x3"):
        net.forward()


@pytest.mark.parametrize(
    ("said", "told"), [("no room for 9 GiB", "no room for 9 GiB"), ("", "out of memory")]
)
def test_a_host_without_memory_tells_the_largest_blobs(net, monkeypatch, said, told):
    def fail(*_):
        raise MemoryError(said)

    monkeypatch.setattr(net.layers[net.layer_index("b")], "backward", fail)
    net.forward()
    with pytest.raises(BackendError, match=rf"^{told}; the net's largest blobs: h 5x4"):
        net.backward()


def test_memory_may_end_while_a_net_is_built(monkeypatch):
    def fail(*_):
        raise OutOfDeviceMemoryError("gpu:0: no memory for an array of shape (9,)")

    monkeypatch.setattr(EuclideanLoss, "reshape", fail)
    with pytest.raises(BackendError, match=r"the net's largest blobs: h 5x4 \(0 MiB\), x 5x3"):
        build(SMALL % "")


def test_a_layer_that_fails_in_setup_is_closed_quietly():
    with pytest.raises(LayerError, match="needs hdf5_output_param"):
        build(
            'layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 9 } } } '
            'layer { name: "out" type: "HDF5Output" bottom: "x" bottom: "x" }'
        )
