"""Running a net: outputs asked for by name, inputs that change, settings."""

from pathlib import Path

import numpy as np
import pytest

import caffe_lite.dnn as dnn
from caffe_lite import Net
from caffe_lite.proto import schema
from caffe_lite.weights import write_caffemodel

TEXT = """
input: "data" input_shape { dim: 1 dim: 2 dim: 5 dim: 6 }
layer { name: "shift" type: "Power" bottom: "data" top: "a" power_param { shift: -1 } }
layer { name: "relu" type: "ReLU" bottom: "a" top: "a" }
layer { name: "drop" type: "Dropout" bottom: "a" top: "a" }
layer { name: "halves" type: "Slice" bottom: "a" top: "left" top: "right"
        slice_param { axis: 3 slice_point: 2 } }
layer { name: "twice" type: "Power" bottom: "left" top: "twice" power_param { scale: 2 } }
layer { name: "max" type: "Pooling" bottom: "right" top: "max"
        pooling_param { kernel_size: 2 } }
"""
RNG = np.random.default_rng(5)


def image(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape or (1, 2, 5, 6)).astype(np.float32)


@pytest.fixture
def net() -> dnn.Net:
    return dnn.readNetFromCaffe(TEXT.encode())


def test_layers_that_work_in_place_have_outputs_of_their_own(net: dnn.Net) -> None:
    x = image()
    net.setInput(x)
    assert np.allclose(net.forward("shift"), x - 1)
    assert np.allclose(net.forward("relu"), np.maximum(x - 1, 0))
    shift, drop = net.forward(["shift", "drop"])
    assert np.allclose(shift, x - 1) and np.allclose(drop, np.maximum(x - 1, 0))
    (left, right), (twice,) = net.forwardAndRetrieve(["halves", "twice"])
    assert np.allclose(left, drop[..., :2]) and np.allclose(right, drop[..., 2:])
    assert np.allclose(twice, 2 * left)
    assert np.array_equal(net.forward("halves"), left)


def test_the_last_pooling_also_tells_where_its_values_are(net: dnn.Net) -> None:
    net.setInput(image())
    ((values, places),) = net.forwardAndRetrieve(["max"])
    right = net.forward("drop")[..., 2:]
    flat = right.reshape(1, 2, -1)
    for c in range(2):
        assert np.allclose(flat[0, c][places[0, c].astype(int)], values[0, c])
    assert np.array_equal(net.forward(), values)


def test_results_stay_as_they_are(net: dnn.Net) -> None:
    x = image()
    net.setInput(x)
    first = net.forward("relu")
    kept = first.copy()
    x[...] = 0  # the net has its own copy
    assert np.array_equal(net.forward("relu"), kept)
    net.setInput(image())
    net.forward("relu")
    assert np.array_equal(first, kept)


def test_shapes_may_change_from_call_to_call(net: dnn.Net) -> None:
    for shape in ((1, 2, 5, 6), (3, 2, 5, 6), (1, 4, 9, 7), (1, 2, 5, 6)):
        x = image(*shape)
        net.setInput(x)
        assert np.allclose(net.forward("twice"), 2 * np.maximum(x[..., :2] - 1, 0))


def test_outputs_may_change_without_a_new_input(net: dnn.Net) -> None:
    x = image()
    net.setInput(x)
    for _ in range(2):
        for name in ("shift", "relu", "twice", "max", "halves"):
            fresh = dnn.readNetFromCaffe(TEXT.encode())
            fresh.setInput(x)
            assert np.array_equal(net.forward(name), fresh.forward(name))
    net.setInput(2 * x)
    assert np.allclose(net.forward("shift"), 2 * x - 1)


def test_arrays_need_not_be_contiguous_or_float(net: dnn.Net) -> None:
    x = image(1, 2, 5, 12)
    net.setInput(x[..., ::-2])
    assert np.allclose(net.forward("shift"), x[..., ::-2] - 1)
    whole = RNG.integers(0, 9, (1, 2, 5, 6))
    net.setInput(whole, "data", 0.5, (1, 2))
    expected = (whole - np.array([1, 2]).reshape(2, 1, 1)) * 0.5
    assert np.allclose(net.forward("shift"), expected - 1)


def test_names_of_arguments_are_those_of_opencv(net: dnn.Net) -> None:
    net.setInput(blob=image(), name="data", scalefactor=1.0, mean=(0, 0, 0))
    assert np.array_equal(net.forward(outputName="relu"), net.forward(outBlobNames=["relu"])[0])


def test_weights_are_read_and_set(tmp_path: Path) -> None:
    definition, weights = tmp_path / "net.prototxt", tmp_path / "net.caffemodel"
    definition.write_text(
        'input: "data" input_shape { dim: 1 dim: 3 dim: 1 dim: 1 } '
        'layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { '
        '  num_output: 2 weight_filler { type: "xavier" } bias_filler { type: "uniform" } } }'
    )
    with Net(str(definition), schema.TEST, seed=3) as source:
        write_caffemodel(source, weights)
        w, b = (blob.data.copy() for blob in source.layers[1].blobs)
    x = image(1, 3, 1, 1)
    for files in ([definition, weights], [weights, definition]):
        net = dnn.readNet(*map(str, files))
        net.setInput(x)
        assert np.allclose(net.forward(), x.reshape(1, 3) @ w.T + b, atol=1e-6)
    in_memory = dnn.readNet("caffe", weights.read_bytes(), definition.read_bytes())
    in_memory.setInput(x)
    assert np.array_equal(in_memory.forward(), net.forward())
    assert [blob.shape for blob in net.getLayer("ip").blobs] == [(2, 3), (1, 2)]
    assert np.array_equal(net.getParam("ip", 0), w)
    net.setParam("ip", 0, 2 * w)
    net.setParam(1, 1, np.zeros(2))
    assert np.allclose(net.forward(), x.reshape(1, 3) @ (2 * w.T), atol=1e-6)
    assert net.getMemoryConsumption((1, 3, 1, 1)) == (4 * 8, 4 * 5)


def test_statistics_of_the_image_itself(tmp_path: Path) -> None:
    text = (
        'input: "data" input_shape { dim: 1 dim: 2 dim: 3 dim: 4 } '
        'layer { name: "bn" type: "BatchNorm" bottom: "data" top: "data" '
        "batch_norm_param { use_global_stats: false } }"
    )
    (tmp_path / "net.prototxt").write_text(text)
    with Net(str(tmp_path / "net.prototxt"), schema.TEST, seed=3) as source:
        for blob in source.layers[1].blobs:
            blob.data[...] = 7
        write_caffemodel(source, tmp_path / "net.caffemodel")
    net = dnn.readNet(str(tmp_path / "net.prototxt"), str(tmp_path / "net.caffemodel"))
    x = image(1, 2, 3, 4)
    net.setInput(x)
    mean, variance = x.mean((2, 3), keepdims=True), x.var((2, 3), keepdims=True)
    assert np.allclose(net.forward(), (x - mean) / np.sqrt(variance + 1e-5), atol=1e-4)
    assert net.getLayerNames() == ("bn/mvn", "bn")


def test_definitions_for_training_run_without_their_losses() -> None:
    net = dnn.readNetFromCaffe(
        b'layer { name: "train" type: "Data" top: "data" top: "label" include { phase: TRAIN } } '
        b'layer { name: "test" type: "Data" top: "data" top: "label" include { phase: TEST } } '
        b'layer { name: "soft" type: "Softmax" bottom: "data" top: "soft" } '
        b'layer { name: "loss" type: "SoftmaxWithLoss" bottom: "data" bottom: "label" top: "l" } '
        b'layer { name: "acc" type: "Accuracy" bottom: "data" bottom: "label" top: "a" }'
    )
    assert net.getLayerNames() == ("soft",)
    net.setInput(image(2, 3))
    assert np.allclose(net.forward().sum(axis=1), 1)


def test_settings_are_accepted(net: dnn.Net) -> None:
    net.setPreferableBackend(dnn.DNN_BACKEND_OPENCV)
    net.setPreferableTarget(dnn.DNN_TARGET_OPENCL)
    net.enableFusion(False)
    net.enableWinograd(False)
    net.setInputShape("data", (1, 2, 7, 8))
    assert net.declared_shapes() == [(1, 2, 7, 8)]
    net.setInputsNames(["image"])
    x = image()
    net.setInput(x, "image")
    assert np.allclose(net.forward("shift"), x - 1)
    assert dnn.getAvailableTargets(dnn.DNN_BACKEND_OPENCV) == (dnn.DNN_TARGET_CPU,)
    assert dnn.getAvailableTargets(dnn.DNN_BACKEND_CUDA) in ((), (dnn.DNN_TARGET_CUDA,))
    net.setPreferableTarget(dnn.DNN_TARGET_CUDA)  # a GPU, or else the CPU
    assert np.allclose(net.forward("shift"), x - 1)


def test_profile_and_dump(net: dnn.Net, tmp_path: Path) -> None:
    assert net.getPerfProfile()[0] == 0
    assert '"relu" -> "drop"' in net.dump()
    net.setInput(image())
    net.forward("twice")
    total, times = net.getPerfProfile()
    assert total > 0 and len(times) == len(net.getLayerNames())
    assert times[0] > 0 and times[-1] == 0  # the last layer did not run
    assert "1 x 2 x 5 x 6" in net.dump()
    net.dumpToFile(tmp_path / "net.dot")
    assert (tmp_path / "net.dot").read_text() == net.dump()


def test_layers_are_named_as_in_opencv() -> None:
    layer = 'layer {{ name: "{}" type: "{}" bottom: "{}" top: "{}" {} }}'
    filters = "convolution_param { num_output: 1 kernel_size: 1 }"
    net = dnn.readNetFromCaffe(
        " ".join(
            [
                'input: "data"',
                layer.format("c", "Convolution", "data", "features", filters),
                layer.format("r", "ReLU", "features", "features", ""),
                layer.format("r", "ReLU", "features", "again", ""),
                layer.format("a", "Axpy", "data", "sum", 'bottom: "again" bottom: "features"'),
            ]
        ).encode()
    )
    assert net.getLayerNames() == ("features", "r", "r_1", "a/scale", "a")
    assert net.getUnconnectedOutLayersNames() == ("a",)
    assert net.getLayer(0).name == "_input" and net.getLayer(0).outputNameToIndex("data") == 0
    assert net.getLayerTypes() == ("Convolution", "Eltwise", "ReLU", "Scale", "__NetInputLayer__")
    assert net.getLayersCount("ReLU") == 2


def test_blobs_of_a_layer_can_be_assigned() -> None:
    net = dnn.readNetFromCaffe(
        b'input: "data" layer { name: "c" type: "Convolution" bottom: "data" top: "c" '
        b"convolution_param { num_output: 2 kernel_size: 1 } }"
    )
    x = image(1, 3, 2, 2)
    weight = RNG.normal(size=(2, 3, 1, 1)).astype(np.float32)
    layer = net.getLayer(net.getLayerId("c"))
    layer.blobs = [weight]  # and no bias
    net.setInput(x)
    product = np.einsum("oi,nihw->nohw", weight[..., 0, 0], x)
    assert np.allclose(net.forward(), product, atol=1e-6)
    net.getLayer("c").blobs = [weight, np.array([1, 2])]
    expected = product + np.array([1, 2]).reshape(2, 1, 1)
    assert np.allclose(net.forward(), expected, atol=1e-6)
    assert np.array_equal(layer.blobs[0], net.getParam("c"))


def test_a_dropout_that_scales_when_it_is_run() -> None:
    net = dnn.readNetFromCaffe(
        b'input: "data" layer { name: "drop" type: "Dropout" bottom: "data" top: "data" '
        b"dropout_param { dropout_ratio: 0.25 scale_train: false } }"
    )
    x = image()
    net.setInput(x)
    assert np.allclose(net.forward(), 0.75 * x)


def test_regions_are_filled_up_with_zeros() -> None:
    net = dnn.readNetFromCaffe(
        b'input: "scores" input: "codes" input: "im_info" '
        b'layer { name: "rois" type: "Proposal" bottom: "scores" bottom: "codes" '
        b'bottom: "im_info" top: "rois" proposal_param { ratio: 1 scale: 1 post_nms_topn: 20 } } '
        b'layer { name: "twice" type: "Power" bottom: "rois" top: "twice" '
        b"power_param { scale: 2 } }"
    )
    for _ in range(3):
        net.setInput(RNG.random((1, 2, 2, 3), np.float32), "scores")
        net.setInput(np.zeros((1, 4, 2, 3), np.float32), "codes")
        net.setInput(np.array([[32, 48, 1]], np.float32), "im_info")
        rois, twice = net.forward(["rois", "twice"])
        assert rois.shape == (20, 5) and np.array_equal(twice, 2 * rois)
        assert np.abs(rois[:6]).sum(axis=1).all() and not rois[6:].any()
