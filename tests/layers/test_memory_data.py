"""MemoryData: arrays, transformed images, batch sizes."""

import numpy as np
import pytest

from caffe_lite.errors import LayerError
from caffe_lite.testing import make_layer
from tests.layers.helpers import normal
from tests.layers.sources import batches, fails_with, pictures


def text(options="batch_size: 2 channels: 3 height: 4 width: 5", transform=""):
    return f'type: "MemoryData" transform_param {{ {transform} }} memory_data_param {{ {options} }}'


def test_arrays_round_and_round():
    run = make_layer(text())
    assert [blob.shape for blob in run.top] == [(2, 3, 4, 5), (2,)]
    data, labels = normal(4, 3, 4, 5), np.array([7, 5, 3, 1])
    run.layer.set_arrays(data, labels.reshape(4, 1, 1, 1))
    for i, (x, label) in enumerate(batches(run, 3)):
        rows = slice(2, 4) if i == 1 else slice(0, 2)
        np.testing.assert_array_equal(x, data[rows])
        np.testing.assert_array_equal(label, labels[rows])
    state = run.layer.get_state()
    other = make_layer(text())
    other.layer.set_arrays(data, labels)
    other.layer.set_state(state)
    np.testing.assert_array_equal(other.forward()[1], labels[2:])


def test_images_are_transformed():
    run = make_layer(
        text(
            transform="crop_size: 4 mean_value: 3 scale: 0.5",
            options=("batch_size: 1 channels: 3 height: 4 width: 4"),
        ),
        phase="TEST",
    )
    images = pictures(3)  # 6 x 5
    run.layer.add_images(list(images), [4, 5, 6])
    for i, (x, label) in enumerate(batches(run, 3)):
        np.testing.assert_array_equal(x[0], (images[i, :, 1:5, 0:4] - 3.0) / 2)
        assert label == 4 + i


def test_another_batch_size():
    run = make_layer(text())
    run.layer.set_batch_size(3)
    data = normal(3, 3, 4, 5)
    run.layer.set_arrays(data, np.zeros(3))
    np.testing.assert_array_equal(run.forward()[0], data)


def test_errors():
    fails_with(text("batch_size: 2 channels: 3 height: 4"), "all be given", "(2, 3, 4, 0)")
    fails_with(text(transform="force_gray: true"), "drop force_color and force_gray")
    fails_with(text(transform='mean_file: "gone"'), 'layer "layer"', "mean_file gone")
    fails_with(text(), "has no data yet")
    layer = make_layer(text()).layer
    for data, labels, message in (
        (normal(2, 3, 4, 6), np.zeros(2), r"shape \(n, 3, 4, 5\), got \(2, 3, 4, 6\)"),
        (normal(2, 3, 4, 5), np.zeros(3), "2 items, 3 labels"),
        (normal(3, 3, 4, 5), np.zeros(3), "multiple of batch_size 2, got 3"),
        (normal(0, 3, 4, 5), np.zeros(0), "positive multiple"),
    ):
        with pytest.raises(LayerError, match=message):
            layer.set_arrays(data, labels)
    with pytest.raises(LayerError, match="becomes"):
        layer.add_images(list(pictures(2)), [0, 1])
    with pytest.raises(LayerError, match="batch_size must be at least 1"):
        layer.set_batch_size(0)
