import numpy as np
import pytest

from caffe_lite.data.resize import resize
from caffe_lite.errors import CaffeError
from tests.forks.label_maps.pairs import flat, start, write_list, write_pairs
from tests.layer_case import Case

CASES = [
    Case(
        "WindowSegData",
        'image_data_param { source: "windowed.txt" batch_size: 2 label_type: PIXEL '
        "new_height: 9 new_width: 7 }",
        tops=2,
        gradient=False,
    ),
]
SOURCES = {"windowed.txt": write_list}
SAMPLES = {"WindowSegData": ()}
LAYER = (
    'type: "WindowSegData" data_param { prefetch: 1 } '
    'image_data_param { source: "%s/pairs.txt" batch_size: 1 label_type: PIXEL %s }'
)


@pytest.fixture
def layers():
    built = []
    yield built
    for layer in built:
        layer.close()


@pytest.mark.parametrize("window", [(2, 1, 8, 6), (-3, -2, 4, 5), (5, 4, 12, 9), (-1, 0, 10, 7)])
def test_windows(tmp_path, layers, window):
    ((image, labels),) = write_pairs(
        tmp_path, sizes=[(8, 10)], end=" " + " ".join(map(str, window))
    )
    left, top, right, bottom = window
    canvas, marks = np.zeros((40, 40, 3), "u1"), np.full((40, 40, 1), 255, "u1")
    canvas[10:18, 10:20], marks[10:18, 10:20] = image, labels
    part = slice(10 + top, 11 + bottom), slice(10 + left, 11 + right)
    data, label, size = start(layers, LAYER % (tmp_path, ""), tops=3).forward()
    np.testing.assert_array_equal(data[0], flat(canvas[part]))
    np.testing.assert_array_equal(label[0], flat(marks[part]))
    assert (size.ravel() == np.minimum((8, 10), data.shape[2:])).all()
    data, label = start(layers, LAYER % (tmp_path, "new_height: 5 new_width: 9")).forward()
    np.testing.assert_array_equal(data[0], flat(resize(canvas[part], 5, 9)))
    assert label.shape == (1, 1, 5, 9) and set(label.ravel()) <= set(marks[part].ravel())


def test_errors(tmp_path, layers):
    write_pairs(tmp_path, end=" 5 1 4 6")
    with pytest.raises(CaffeError, match="is empty; x1 <= x2"):
        start(layers, LAYER % (tmp_path, "")).forward()
    write_pairs(tmp_path, end=" 5 1 4")
    with pytest.raises(CaffeError, match="<number> <number> <number>"):
        start(layers, LAYER % (tmp_path, "")).forward()
