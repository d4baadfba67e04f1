"""pycaffe's Net: constructors, dicts of blobs, running, batches, weights."""

import numpy as np
import pytest

import caffe_lite.pycaffe as caffe
from caffe_lite.errors import CaffeError, ModelError

NET = """
    name: "small" force_backward: true
    layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 4 dim: 3 } } }
    layer { name: "a" type: "InnerProduct" bottom: "x" top: "h"
            inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
    layer { name: "r" type: "ReLU" bottom: "h" top: "h" }
    layer { name: "b" type: "InnerProduct" bottom: "h" top: "y"
            inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
    layer { name: "test" type: "Power" bottom: "y" top: "z" power_param { scale: 2 }
            include { phase: TEST } }
    layer { name: "staged" type: "Power" bottom: "y" top: "s" include { stage: "more" } }
"""


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "net.prototxt"
    file.write_text(NET)
    return str(file)


@pytest.fixture
def net(path):
    caffe.set_mode_cpu()
    return caffe.Net(path, caffe.TRAIN)


def by_hand(net, x):
    (w1, b1), (w2, b2) = ([blob.data for blob in net.params[name]] for name in "ab")
    return np.maximum(x @ w1.T + b1, 0) @ w2.T + b2


def test_names_and_shapes(net):
    assert list(net.blobs) == ["x", "h", "y"]
    assert {name: [blob.data.shape for blob in blobs] for name, blobs in net.params.items()} == {
        "a": [(5, 3), (5,)],
        "b": [(2, 5), (2,)],
    }
    assert net._layer_names == ["in", "a", "r", "b"]
    assert [layer.type for layer in net.layers] == ["Input", "InnerProduct", "ReLU", "InnerProduct"]
    assert net.inputs == ["x"] and net.outputs == ["y"]
    assert net.bottom_names["b"] == ["h"] and net.top_names["b"] == ["y"]
    assert net.layer_dict["a"].blobs[1].data.shape == (5,)
    assert net.blobs["x"].data.dtype == np.float32
    assert net.blobs["x"].num == 4 and net.name == "small"


def test_phase_level_and_stages(path):
    assert caffe.Net(path, caffe.TEST).outputs == ["z"]
    assert caffe.Net(path, caffe.TRAIN, 0, ["more"]).outputs == ["s"]
    assert caffe.Net(path, phase=caffe.TRAIN, stages=["more"], level=2).outputs == ["s"]
    with pytest.raises(CaffeError, match="needs a phase"):
        caffe.Net(path)


def test_forward_takes_inputs_and_gives_outputs(net):
    x = np.random.default_rng(0).normal(size=(4, 3))
    out = net.forward(x=x)
    np.testing.assert_allclose(out["y"], by_hand(net, x), rtol=1e-5, atol=1e-6)
    assert set(net.forward(blobs=["h"])) == {"y", "h"}
    assert set(net.forward(end="r")) == {"h"}


def test_forward_from_a_layer(net):
    net.blobs["h"].data[...] = 1
    out = net.forward(start="b")
    weight, bias = (blob.data for blob in net.params["b"])
    np.testing.assert_allclose(out["y"], np.ones((4, 5)) @ weight.T + bias, rtol=1e-5)


def test_constructors_that_cannot_be_meant(path):
    for arguments, words in [
        (("TEST",), "needs a phase: caffe.TRAIN or caffe.TEST, got 'TEST'"),
        ((caffe.TEST, "w.caffemodel"), "level 'w.caffemodel'; pass them by name: weights="),
        ((caffe.TEST, 0, [], None, 1), "got 5 arguments after the file"),
        (("w.caffemodel", caffe.TEST), "w.caffemodel: no such file"),
    ]:
        with pytest.raises(CaffeError, match=words):
            caffe.Net(path, *arguments)
    assert caffe.Net(path, caffe.TRAIN, stages="more").outputs == ["s"]


def test_positions_of_blobs(net):
    """What Caffe's binary part shows, by positions in the dict of blobs."""
    assert net._blob_names == list(net.blobs) and net._blobs == list(net.blobs.values())
    assert [net._bottom_ids(i) for i in range(4)] == [[], [0], [1], [1]]
    assert [net._top_ids(i) for i in range(4)] == [[0], [1], [1], [2]]
    assert net._inputs == [0] and net._outputs == [2]
    assert net.blob_loss_weights == dict.fromkeys("xhy", 0.0)
    assert net._blob_loss_weights == [0, 0, 0]


def test_outputs_come_in_order(net):
    assert list(net.forward(blobs=["h", "x"])) == ["y", "h", "x"]


def test_wrong_inputs_are_refused(net):
    with pytest.raises(CaffeError, match=r"keywords given \(q\) are not the net's inputs \(x\)"):
        net.forward(q=np.zeros((4, 3)))
    with pytest.raises(CaffeError, match='"x" takes 4 items at once, got 5'):
        net.forward(x=np.zeros((5, 3)))
    with pytest.raises(ModelError, match='no layer "bb"; did you mean "b"'):
        net.forward(end="bb")
    with pytest.raises(ModelError, match='no blob "yy"; did you mean "y"'):
        net.forward(blobs=["yy"])
    with pytest.raises(ValueError, match=r'"x" has shape \(4, 3\), got an array of shape \(4, 2\)'):
        net.forward(x=np.zeros((4, 2)))
    with pytest.raises(ValueError, match=r"input of the net \(x\), got none"):
        net.forward_all()
    with pytest.raises(ValueError, match="expected arrays with equal numbers of items"):
        net.forward_backward_all(x=np.zeros((4, 3)), y=np.zeros((5, 2)))


def test_backward_gives_input_gradients(net):
    net.forward(x=np.random.default_rng(1).normal(size=(4, 3)))
    dy = np.random.default_rng(2).normal(size=(4, 2))
    diffs = net.backward(diffs=["h"], y=dy)
    (w1, _), (w2, _) = ([blob.data for blob in net.params[name]] for name in "ab")
    dh = (dy @ w2) * (net.blobs["h"].data > 0)
    np.testing.assert_allclose(diffs["x"], dh @ w1, rtol=1e-4, atol=1e-5)
    assert set(diffs) == {"x", "h"}
    assert set(net.backward(end="b")) == {"h"}


def test_forward_all_takes_any_number_of_items(net):
    x = np.random.default_rng(3).normal(size=(10, 3))
    out = net.forward_all(blobs=["h"], x=x)
    assert out["h"].shape == (10, 5)
    np.testing.assert_allclose(out["y"], by_hand(net, x), rtol=1e-4, atol=1e-5)


def test_forward_backward_all(net):
    x = np.random.default_rng(4).normal(size=(6, 3))
    dy = np.random.default_rng(5).normal(size=(6, 2))
    outs, diffs = net.forward_backward_all(x=x, y=dy)
    assert outs["y"].shape == (6, 2) and diffs["x"].shape == (6, 3)
    np.testing.assert_allclose(outs["y"], by_hand(net, x), rtol=1e-4, atol=1e-5)


def test_reshape_goes_through_the_net(net):
    net.blobs["x"].reshape(7, 3)
    net.reshape()
    assert net.blobs["y"].data.shape == (7, 2)


@pytest.mark.parametrize("save, name", [("save", "w.caffemodel"), ("save_hdf5", "w.caffemodel.h5")])
def test_weights_go_to_a_file_and_back(net, path, tmp_path, save, name):
    file = str(tmp_path / name)
    getattr(net, save)(file)
    for other in (caffe.Net(path, caffe.TRAIN, weights=file), caffe.Net(path, file, caffe.TRAIN)):
        assert (other.params["a"][0].data == net.params["a"][0].data).all()
    fresh = caffe.Net(path, caffe.TEST)
    assert (fresh.params["b"][0].data != net.params["b"][0].data).any()
    fresh.copy_from(file)
    assert (fresh.params["b"][0].data == net.params["b"][0].data).all()


def test_shared_weights_follow(net, path):
    other = caffe.Net(path, caffe.TEST)
    other.share_with(net)
    net.params["a"][1].data[...] = 6
    assert (other.params["a"][1].data == 6).all()


def test_hooks(net):
    seen = []
    net.before_forward(lambda i: seen.append(i))
    net.after_backward(lambda i: seen.append(-i))
    net.forward(start="r")
    net.backward(start="r", end="r")
    assert seen == [2, 3, -2]


def test_a_random_seed_gives_the_same_net(path):
    caffe.set_random_seed(5)
    first, second = caffe.Net(path, caffe.TRAIN), caffe.Net(path, caffe.TRAIN)
    assert (first.params["a"][0].data == second.params["a"][0].data).all()
    caffe.set_random_seed(6)
    third = caffe.Net(path, caffe.TRAIN)
    assert (first.params["a"][0].data != third.params["a"][0].data).any()


def test_memory_data_takes_arrays(tmp_path):
    file = tmp_path / "memory.prototxt"
    file.write_text("""
        layer { name: "data" type: "MemoryData" top: "data" top: "label"
                memory_data_param { batch_size: 2 channels: 3 height: 4 width: 5 } }
        layer { name: "p" type: "Power" bottom: "data" top: "y" power_param { scale: 2 } }""")
    net = caffe.Net(str(file), caffe.TEST)
    data = np.random.default_rng(0).normal(size=(4, 3, 4, 5)).astype(np.float32)
    net.set_input_arrays(data, np.arange(4, dtype=np.float32))
    for start in (0, 2):
        out = net.forward()
        np.testing.assert_allclose(out["y"], 2 * data[start : start + 2], rtol=1e-6)
        assert net.blobs["label"].data.tolist() == [start, start + 1]


def test_arrays_need_a_memory_data_layer(net):
    with pytest.raises(CaffeError, match="no MemoryData layer"):
        net.set_input_arrays(np.zeros((1, 1, 1, 1)), np.zeros(1))


def test_layer_types_are_listed():
    types = caffe.layer_type_list()
    assert types == sorted(types) and {"Convolution", "LSTM", "Python"} <= set(types)
