import numpy as np
import pytest

from caffe_lite.data.resize import resize
from caffe_lite.testing import make_layer
from tests.layer_case import Case
from tests.layers.sources import check_resume, pictures, write_images

CASES = [
    Case(
        "ImageData",
        'image_data_param { source: "images.txt" batch_size: 2 short_side: 9 }',
        tops=2,
        gradient=False,
    ),
]
SAMPLES = {"ImageData": ()}


def text(folder, options, crop=0):
    return (
        f'type: "ImageData" top: "data" top: "label" transform_param {{ crop_size: {crop} }} '
        f'image_data_param {{ source: "{folder}/images.txt" root_folder: "{folder}/" '
        f"{options} }}"
    )


@pytest.mark.parametrize("options", ["", "new_height: 3 new_width: 4"])
def test_the_shorter_side(tmp_path, options):
    images = [pictures(1, 6, 9)[0], pictures(1, 10, 7)[0]]
    write_images(tmp_path, images)
    run = make_layer(text(tmp_path, f"batch_size: 1 short_side: 5 {options}"))
    for image, size, label in zip(images, [(5, 7), (7, 5)], (0, 1), strict=True):
        data, labels = run.forward()
        expected = resize(image.transpose(1, 2, 0), *size).transpose(2, 0, 1)
        np.testing.assert_array_equal(data[0], expected)
        assert labels == [label]
    run.layer.close()


def test_crops_of_images_of_several_shapes(tmp_path):
    write_images(tmp_path, [pictures(1, 6, 9)[0], pictures(1, 10, 7)[0]])
    run = make_layer(text(tmp_path, "batch_size: 2 short_side: 8", crop=8))
    assert run.forward()[0].shape == (2, 3, 8, 8)
    run.layer.close()


def test_zero_leaves_images_alone(tmp_path):
    images = pictures(2, 6, 9)
    write_images(tmp_path, images)
    run = make_layer(text(tmp_path, "batch_size: 2 short_side: 0"))
    np.testing.assert_array_equal(run.forward()[0], images)
    run.layer.close()


def test_resuming(tmp_path):
    write_images(tmp_path, pictures(5))
    check_resume(text(tmp_path, "batch_size: 2 shuffle: true short_side: 4"), 2, 4)
