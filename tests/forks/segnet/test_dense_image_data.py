import numpy as np
import pytest

from caffe_lite.data.resize import resize
from caffe_lite.errors import CaffeError
from tests.forks.label_maps.pairs import flat, start, write_list, write_pairs
from tests.layer_case import Case

CASES = [
    Case(
        "DenseImageData",
        'dense_image_data_param { source: "pairs.txt" batch_size: 2 shuffle: true mirror: true '
        "crop_height: 9 crop_width: 8 }",
        tops=2,
        gradient=False,
    ),
]
SOURCES = {"pairs.txt": write_list}
SAMPLES = {"DenseImageData": ()}
LAYER = (
    'type: "DenseImageData" data_param { prefetch: 1 } transform_param { %s } '
    'dense_image_data_param { source: "%s/pairs.txt" %s }'
)


@pytest.fixture
def layers():
    built = []
    yield built
    for layer in built:
        layer.close()


def test_images_and_labels_in_order(tmp_path, layers):
    pairs = write_pairs(tmp_path)
    run = start(layers, LAYER % ("mean_value: 10 scale: 0.5", tmp_path, "batch_size: 1"))
    for image, labels in pairs + pairs[:1]:
        data, label = run.forward()
        np.testing.assert_allclose(data[0], (flat(image) - 10) / 2)
        np.testing.assert_array_equal(label[0], flat(labels))


def test_sizes_and_smaller_labels(tmp_path, layers):
    pairs = write_pairs(tmp_path)
    sizes = "batch_size: 4 new_height: 12 new_width: 16 label_divide_factor: 4"
    run = start(layers, LAYER % ("", tmp_path, sizes))
    data, label = run.forward()
    assert data.shape == (4, 3, 12, 16) and label.shape == (4, 1, 3, 4)
    for i, (image, labels) in enumerate(pairs):
        np.testing.assert_array_equal(data[i], flat(resize(image, 12, 16)))
        height, width = labels.shape[:2]
        rows, columns = np.arange(3) * height // 3, np.arange(4) * width // 4
        np.testing.assert_array_equal(label[i, 0], labels[rows][:, columns, 0])


def find(image, data):
    """Column and mirroring of a crop of the lower edge."""
    height, width = data.shape[1:]
    for left in range(image.shape[1] - width + 1):
        part = flat(image[-height:, left : left + width])
        for mirrored in (False, True):
            if (data == (part[:, :, ::-1] if mirrored else part)).all():
                return left, mirrored
    raise AssertionError("no part of the image")


@pytest.mark.parametrize("phase", ["TRAIN", "TEST"])
def test_crops_and_mirrors_go_together(tmp_path, layers, phase):
    ((image, labels),) = write_pairs(tmp_path, sizes=[(8, 10)])
    fields = "batch_size: 40 mirror: true crop_height: 5 crop_width: 7"
    run = start(layers, LAYER % ("", tmp_path, fields), phase=phase)
    data, label = run.forward()
    places = [find(image, item) for item in data]
    assert set(places) == {(left, flip) for left in range(4) for flip in (False, True)}
    for (left, mirrored), item in zip(places, label, strict=True):
        part = flat(labels[-5:, left : left + 7])
        np.testing.assert_array_equal(item, part[:, :, ::-1] if mirrored else part)


def test_a_crop_of_transform_param(tmp_path, layers):
    ((image, labels),) = write_pairs(tmp_path, sizes=[(8, 11)])
    run = start(layers, LAYER % ("crop_size: 5", tmp_path, "batch_size: 1"), phase="TEST")
    data, label = run.forward()
    np.testing.assert_array_equal(data[0], flat(image[1:6, 3:8]))
    np.testing.assert_array_equal(label[0], flat(labels[1:6, 3:8]))


def test_shuffled_and_resumed(tmp_path, layers):
    write_pairs(tmp_path, sizes=[(6, 7)] * 5)
    fields = "batch_size: 2 shuffle: true mirror: true"
    run = start(layers, LAYER % ("", tmp_path, fields))
    for _ in range(2):
        run.forward()
    state = run.layer.get_state()
    expected = [run.forward() for _ in range(4)]
    other = start(layers, LAYER % ("", tmp_path, fields), seed=5)
    other.layer.set_state(state)
    for tops in expected:
        for mine, theirs in zip(other.forward(), tops, strict=True):
            np.testing.assert_array_equal(mine, theirs)


def test_folders(tmp_path, layers):
    ((image, labels),) = write_pairs(tmp_path, sizes=[(6, 7)])
    (tmp_path / "x").mkdir()
    (tmp_path / "l0.png").rename(tmp_path / "x" / "l0.png")
    roots = f'root_folder_image: "{tmp_path}/" root_folder_label: "{tmp_path}/x/"'
    data, label = start(layers, LAYER % ("", tmp_path, "batch_size: 1 " + roots)).forward()
    np.testing.assert_array_equal(data[0], flat(image))
    np.testing.assert_array_equal(label[0], flat(labels))


@pytest.mark.parametrize(
    "transform, fields, part",
    [
        ("", "batch_size: 0", "batch_size must be at least 1"),
        ("", "batch_size: 1 new_height: 4", "new_height and new_width together"),
        ("", "batch_size: 1 crop_height: 4", "crop_height and crop_width together"),
        ("", 'batch_size: 1 mean_file: "m"', "mean_file belongs in transform_param"),
        ("", "batch_size: 1 label_divide_factor: 0", "at least 1"),
        ("crop_size: 4", "batch_size: 1 label_divide_factor: 2", "does not go with a crop"),
        ("crop_size: 4", "batch_size: 1 crop_height: 4 crop_width: 4", "not both"),
        ("crop_size: 9", "batch_size: 1", "larger than the image of 8x10"),
        ("", "batch_size: 2", "all of a batch must have one size"),
        ("", "batch_size: 1 label_divide_factor: 9", "leaves nothing"),
        ("", "batch_size: 1 rand_skip: 1000", "make rand_skip smaller"),
        ("mean_value: 1 mean_value: 2", "batch_size: 1", "2 mean_value for images of 3"),
        ("force_gray: true", "batch_size: 1", "drop force_gray"),
        ("", 'batch_size: 1 root_folder: "/none/"', "/none/i0.png"),
    ],
)
def test_errors(tmp_path, layers, transform, fields, part):
    write_pairs(tmp_path)
    with pytest.raises(CaffeError) as caught:
        start(layers, LAYER % (transform, tmp_path, fields)).forward()
    assert part in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "line, part",
    [
        ("i0.png", '<path> <path>" expected, got "i0.png"'),
        ("i0.png l1.png", "they must be equal"),
        ("l0.png none.png", "none.png"),
    ],
)
def test_bad_lists(tmp_path, layers, line, part):
    write_pairs(tmp_path)
    (tmp_path / "pairs.txt").write_text(line + "\n")
    with pytest.raises(CaffeError) as caught:
        start(layers, LAYER % ("", tmp_path, "batch_size: 1")).forward()
    assert part in str(caught.value) and "\n" not in str(caught.value)
