"""ImageData: listed files, sizes, shuffling, resuming and missing images."""

import numpy as np
import pytest

from caffe_lite.data.resize import resize
from caffe_lite.testing import make_layer
from tests.layers.sources import batches, check_resume, fails_with, pictures, write_images


def text(folder, options="batch_size: 3", transform=""):
    return (
        f'type: "ImageData" top: "data" top: "label" transform_param {{ {transform} }} '
        f'image_data_param {{ source: "{folder}/images.txt" root_folder: "{folder}/" '
        f"{options} }}"
    )


def test_images_in_order(tmp_path):
    images = pictures(5)
    write_images(tmp_path, images)
    run = make_layer(text(tmp_path, transform="mean_value: 9 scale: 2"))
    assert [blob.shape for blob in run.top] == [(3, 3, 6, 5), (3,)]
    for i, (data, label) in enumerate(batches(run, 4)):
        ids = np.arange(3 * i, 3 * i + 3) % 5
        np.testing.assert_array_equal(label, ids)
        np.testing.assert_array_equal(data, (images[ids] - 9.0) * 2)
    run.layer.close()


def test_resized_and_grey(tmp_path):
    images = pictures(2)
    write_images(tmp_path, images)
    run = make_layer(text(tmp_path, "batch_size: 2 new_height: 4 new_width: 8"))
    expected = [resize(image.transpose(1, 2, 0), 4, 8).transpose(2, 0, 1) for image in images]
    np.testing.assert_array_equal(run.forward()[0], expected)
    run.layer.close()
    grey = make_layer(text(tmp_path, "batch_size: 2 is_color: false"))
    luma = images[:, 2] * 0.299 + images[:, 1] * 0.587 + images[:, 0] * 0.114
    np.testing.assert_allclose(grey.forward()[0][:, 0], luma, atol=1)
    grey.layer.close()


def test_single_images_may_differ_in_size(tmp_path):
    images = [pictures(1, 4, 5)[0], pictures(1, 7, 6)[0]]
    write_images(tmp_path, images)
    run = make_layer(text(tmp_path, "batch_size: 1"))
    for image in (*images, *images):
        np.testing.assert_array_equal(run.forward()[0][0], image)
    run.layer.close()


def test_shuffle_covers_every_image_once_per_pass(tmp_path):
    write_images(tmp_path, pictures(9))
    run = make_layer(text(tmp_path, "batch_size: 9 shuffle: true"))
    passes = [tuple(label) for _, label in batches(run, 3)]
    assert all(sorted(ids) == list(range(9)) for ids in passes)
    assert len({*passes, tuple(range(9))}) == 4
    run.layer.close()


def test_several_labels(tmp_path):
    write_images(tmp_path, pictures(2))
    (tmp_path / "a.png").write_bytes((tmp_path / "picture 1.png").read_bytes())
    (tmp_path / "images.txt").write_text("a.png 0.5 -2\na.png 3 1e2\n")
    run = make_layer(text(tmp_path, "batch_size: 2"))
    np.testing.assert_array_equal(run.forward()[1], [[0.5, -2], [3, 100]])
    run.layer.close()


def test_rand_skip_begins_anywhere_below_it(tmp_path):
    write_images(tmp_path, pictures(5, 2, 2))
    firsts = set()
    for seed in range(20):
        run = make_layer(text(tmp_path, "batch_size: 1 rand_skip: 3"), seed=seed)
        firsts.add(int(run.forward()[1][0]))
        run.layer.close()
    assert firsts == {0, 1, 2}


@pytest.mark.parametrize("before", [0, 1, 3])
def test_resume(tmp_path, before):
    write_images(tmp_path, pictures(5))
    check_resume(
        text(tmp_path, "batch_size: 3 shuffle: true rand_skip: 2", "crop_size: 3 mirror: true"),
        before,
        5,
    )


def test_errors(tmp_path):
    write_images(tmp_path, pictures(2))
    fails_with(text(tmp_path, "batch_size: 0"), "batch_size must be at least 1")
    fails_with(text(tmp_path, "new_height: 3"), "new_height and new_width together", "3 and 0")
    fails_with(text(tmp_path, "mirror: true"), "mirror belongs in transform_param")
    fails_with(text(tmp_path, transform="force_gray: true"), "set is_color: false")
    fails_with(text(tmp_path, "is_color: false", "force_color: true"), "set is_color: true")
    (tmp_path / "images.txt").write_text("picture 0.png 1\nlost.png 2\n")
    fails_with(text(tmp_path, "batch_size: 2"), "lost.png: no such file")
    (tmp_path / "images.txt").write_text("images.txt 1\n")
    fails_with(text(tmp_path), "images.txt: cannot be decoded")
    (tmp_path / "images.txt").write_text("picture 0.png 0\npicture 1.png one\n")
    fails_with(text(tmp_path), "images.txt:2", "expected a path and a label")
