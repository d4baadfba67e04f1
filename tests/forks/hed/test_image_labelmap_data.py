import numpy as np
import pytest

from caffe_lite.data.images import write_image
from caffe_lite.data.resize import resize
from caffe_lite.errors import CaffeError
from tests.forks.label_maps.pairs import flat, start, write_list, write_pairs
from tests.layer_case import Case

CASES = [
    Case(
        "ImageLabelmapData",
        'image_data_param { source: "pairs.txt" batch_size: 2 } transform_param { mirror: true }',
        tops=2,
        gradient=False,
    ),
]
SOURCES = {"pairs.txt": write_list}
SAMPLES = {"ImageLabelmapData": ()}
LAYER = (
    'type: "ImageLabelmapData" data_param { prefetch: 1 } transform_param { %s } '
    'image_data_param { source: "%s/pairs.txt" batch_size: 1 %s }'
)


@pytest.fixture
def layers():
    built = []
    yield built
    for layer in built:
        layer.close()


def write_edges(folder, size=(8, 10)):
    ((image, _),) = write_pairs(folder, sizes=[size])
    edges = np.random.default_rng(4).integers(0, 256, (*size, 1), dtype=np.uint8)
    edges[0, :3, 0] = 127, 128, 255
    write_image(folder / "l0.png", edges)
    return image, edges


def test_edges_are_zero_or_one(tmp_path, layers):
    image, edges = write_edges(tmp_path)
    data, label = start(layers, LAYER % ("mean_value: 3", tmp_path, "")).forward()
    np.testing.assert_allclose(data[0], flat(image) - 3)
    np.testing.assert_array_equal(label[0], flat(edges) / 255 > 0.5)


def test_both_are_resized_and_cropped(tmp_path, layers):
    image, edges = write_edges(tmp_path)
    sizes = "new_height: 9 new_width: 12"
    run = start(layers, LAYER % ("crop_size: 6", tmp_path, sizes), phase="TEST")
    data, label = run.forward()
    np.testing.assert_array_equal(data[0], flat(resize(image, 9, 12)[1:7, 3:9]))
    np.testing.assert_array_equal(label[0], flat(resize(edges, 9, 12)[1:7, 3:9]) >= 128)


def test_errors(tmp_path, layers):
    write_edges(tmp_path)
    (tmp_path / "pairs.txt").write_text("i0.png\n")
    with pytest.raises(CaffeError, match="<path> <path>"):
        start(layers, LAYER % ("", tmp_path, "")).forward()
    write_pairs(tmp_path)
    (tmp_path / "pairs.txt").write_text("i0.png l1.png\n")
    with pytest.raises(CaffeError, match="9x7 pixels of labels for 8x10"):
        start(layers, LAYER % ("", tmp_path, "")).forward()
