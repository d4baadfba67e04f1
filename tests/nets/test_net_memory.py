"""When a net allocates and frees memory, and what it reports when there is none left."""

import pytest

from caffe_lite.backend.gpu.cuda import OutOfDeviceMemoryError
from caffe_lite.errors import BackendError, LayerError
from caffe_lite.layers.euclidean_loss import EuclideanLoss
from tests.nets.small_net import SMALL, build


def test_closing_frees_the_memory(net):
    with net:
        net.forward()
        assert net.blobs["y"].has_data
    assert not net.blobs["y"].has_data


def test_building_a_net_allocates_no_learned_blobs():
    net = build(SMALL % "")
    assert not any(blob.has_data for blob in net.learnable_params)


def test_out_of_device_memory_names_the_largest_blobs(net, monkeypatch):
    def fail(*_):
        raise OutOfDeviceMemoryError("gpu:0: no memory for an array of shape (9,)")

    monkeypatch.setattr(net.layers[net.layer_index("b")], "forward", fail)
    with pytest.raises(BackendError, match=r"the net's largest blobs: h 5x4 \(0 MiB\), x 5x3"):
        net.forward()


@pytest.mark.parametrize(
    ("message", "reported"), [("no room for 9 GiB", "no room for 9 GiB"), ("", "out of memory")]
)
def test_out_of_host_memory_names_the_largest_blobs(net, monkeypatch, message, reported):
    def fail(*_):
        raise MemoryError(message)

    monkeypatch.setattr(net.layers[net.layer_index("b")], "backward", fail)
    net.forward()
    with pytest.raises(BackendError, match=rf"^{reported}; the net's largest blobs: h 5x4"):
        net.backward()


def test_out_of_memory_while_a_net_is_built(monkeypatch):
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
