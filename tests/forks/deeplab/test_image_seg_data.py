import numpy as np
import pytest

from caffe_lite.data.resize import resize
from caffe_lite.errors import CaffeError
from caffe_lite.layers.registry import layer_class
from caffe_lite.proto import schema, text
from tests.forks.label_maps.pairs import flat, start, write_list, write_pairs
from tests.layer_case import Case

CASES = [
    Case(
        "ImageSegData",
        'image_data_param { source: "pairs.txt" batch_size: 2 label_type: PIXEL } '
        "transform_param { crop_size: 15 mirror: true }",
        tops=3,
        gradient=False,
    ),
]
SOURCES = {"pairs.txt": write_list}
SAMPLES = {"ImageSegData": ()}
LAYER = (
    'type: "ImageSegData" data_param { prefetch: 1 } transform_param { %s } '
    'image_data_param { source: "%s/pairs.txt" %s }'
)


@pytest.fixture
def layers():
    built = []
    yield built
    for layer in built:
        layer.close()


def test_images_labels_and_sizes(tmp_path, layers):
    pairs = write_pairs(tmp_path)
    fields = "batch_size: 1 label_type: PIXEL"
    run = start(layers, LAYER % ("mean_value: 10", tmp_path, fields), tops=3)
    for image, labels in pairs + pairs[:1]:
        data, label, size = run.forward()
        np.testing.assert_allclose(data[0], flat(image) - 10)
        np.testing.assert_array_equal(label[0], flat(labels))
        assert size.shape == (1, 1, 1, 2) and tuple(size.ravel()) == image.shape[:2]


@pytest.mark.parametrize(
    "fields, value", [("", 3), ("label_type: IMAGE", 3), ("label_type: NONE ignore_label: 7", 7)]
)
def test_one_label_for_all_pixels(tmp_path, layers, fields, value):
    write_pairs(tmp_path)
    (tmp_path / "pairs.txt").write_text("i0.png 3\n")
    run = start(layers, LAYER % ("", tmp_path, f"batch_size: 1 {fields}"))
    data, label = run.forward()
    assert label.shape == (1, 1, *data.shape[2:]) and (label == value).all()


def padded(image, labels, size, ignored=255):
    """Both on a canvas, at the upper left."""
    canvas, marks = np.zeros((3, *size)), np.full((1, *size), float(ignored))
    height, width = min(image.shape[0], size[0]), min(image.shape[1], size[1])
    canvas[:, :height, :width] = flat(image)[:, :height, :width] - 10
    marks[:, :height, :width] = flat(labels)[:, :height, :width]
    return canvas, marks


def test_small_images_are_padded(tmp_path, layers):
    pairs = write_pairs(tmp_path)
    for field, ignored in (("", 255), ("ignore_label: 9", 9)):
        run = start(
            layers,
            LAYER
            % (
                "mean_value: 10 crop_size: 13",
                tmp_path,
                f"batch_size: 4 label_type: PIXEL {field}",
            ),
            tops=3,
        )
        data, label, size = run.forward()
        for i, (image, labels) in enumerate(pairs):
            canvas, marks = padded(image, labels, (13, 13), ignored)
            np.testing.assert_allclose(data[i], canvas)
            np.testing.assert_array_equal(label[i], marks)
            assert tuple(size[i].ravel()) == image.shape[:2]


@pytest.mark.parametrize("phase", ["TRAIN", "TEST"])
def test_crops(tmp_path, layers, phase):
    ((image, labels),) = write_pairs(tmp_path, sizes=[(8, 11)])
    fields = "batch_size: 90 label_type: PIXEL"
    run = start(
        layers, LAYER % ("crop_height: 7 crop_width: 8", tmp_path, fields), phase=phase, tops=3
    )
    data, label, size = run.forward()
    assert (size.reshape(-1, 2) == [7, 8]).all()
    found = set()
    for item, marks in zip(data, label, strict=True):
        for top, left in np.ndindex(2, 4):
            window = slice(top, top + 7), slice(left, left + 8)
            if (item == flat(image[window])).all():
                found.add((top, left))
                np.testing.assert_array_equal(marks, flat(labels[window]))
    assert found == ({(0, 1)} if phase == "TEST" else set(np.ndindex(2, 4)))


def test_scale_factors(tmp_path, layers):
    ((image, labels),) = write_pairs(tmp_path, sizes=[(8, 10)])
    transform = "scale_factors: 0.5 scale_factors: 1 scale_factors: 1.25 crop_size: 15"
    run = start(
        layers, LAYER % (transform, tmp_path, "batch_size: 30 label_type: PIXEL"), phase="TEST"
    )
    data, label = run.forward()
    found = set()
    for item, marks in zip(data, label, strict=True):
        for size in ((4, 5), (8, 10), (10, 12)):
            canvas = np.zeros((3, 15, 15))
            canvas[:, : size[0], : size[1]] = flat(resize(image, *size))
            if (item == canvas).all():
                found.add(size)
                rows = np.arange(size[0]) * 8 // size[0]
                columns = np.arange(size[1]) * 10 // size[1]
                part = labels[rows][:, columns, 0]
                np.testing.assert_array_equal(marks[0, : size[0], : size[1]], part)
                assert (marks[0, size[0] :] == 255).all()
    assert found == {(4, 5), (8, 10), (10, 12)}


def test_mirrors_go_together(tmp_path, layers):
    ((image, labels),) = write_pairs(tmp_path, sizes=[(8, 10)])
    fields = "batch_size: 30 label_type: PIXEL is_color: true"
    data, label = start(layers, LAYER % ("mirror: true", tmp_path, fields)).forward()
    mirrored = (data == flat(image)[:, :, ::-1]).all(axis=(1, 2, 3))
    assert 0 < mirrored.sum() < 30
    for flip, marks in zip(mirrored, label, strict=True):
        np.testing.assert_array_equal(marks, flat(labels)[:, :, ::-1] if flip else flat(labels))


def test_shapes_of_the_definition():
    param = text.parse(
        LAYER % ("crop_height: 7 crop_width: 8", "x", "batch_size: 3"), schema.LayerParameter
    )
    cls = layer_class("ImageSegData", param)
    shapes = [cls.source_shape(param, top, schema.NetParameter()) for top in range(3)]
    assert shapes == [(3, 3, 7, 8), (3, 1, 7, 8), (3, 1, 1, 2)]


@pytest.mark.parametrize(
    "transform, fields, part",
    [
        ("", "label_type: PIXEL new_width: 4", "new_height and new_width together"),
        ("crop_height: 4", "", "crop_height and crop_width together"),
        ("crop_size: 4 crop_width: 4", "", "not both"),
        ("", "ignore_label: 256", "ignore_label must be from 0 to 255, got 256"),
        ('mean_file: "m"', "label_type: PIXEL", "mean_file does not go"),
        ("scale_factors: 0", "label_type: PIXEL", "scale_factors must be positive"),
        ("scale_factors: 0.01", "label_type: PIXEL", "leaves nothing"),
        ("", "", '"<path> <number>" expected'),
    ],
)
def test_errors(tmp_path, layers, transform, fields, part):
    write_pairs(tmp_path)
    with pytest.raises(CaffeError) as caught:
        start(layers, LAYER % (transform, tmp_path, "batch_size: 1 " + fields)).forward()
    assert part in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("label", [-1, 256])
def test_a_label_out_of_range(tmp_path, layers, label):
    write_pairs(tmp_path)
    (tmp_path / "pairs.txt").write_text(f"i0.png {label}\n")
    with pytest.raises(CaffeError, match=f"from 0 to 255, got {label}"):
        start(layers, LAYER % ("", tmp_path, "batch_size: 1")).forward()
