"""Images as nets take them, and features of images."""

import numpy as np
import pytest

from caffe_lite.data.images import read_image, write_image
from caffe_lite.errors import DataError, ModelError
from caffe_lite.lrcn.crops import center_crop, ten_crops
from caffe_lite.lrcn.deploy import load_deploy_net
from caffe_lite.lrcn.image_features import ImageFeatures
from caffe_lite.lrcn.image_input import ImageInput
from caffe_lite.weights import write_caffemodel
from tests.lrcn.caption_nets import build

CONVNET = """
name: "convnet" input: "data" input_shape { dim: 2 dim: 3 dim: 5 dim: 4 }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
        convolution_param { num_output: 2 kernel_size: 2 weight_filler { type: "xavier" } } }
layer { name: "fc8" type: "InnerProduct" bottom: "conv" top: "fc8"
        inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "prob" type: "InnerProduct" bottom: "fc8" top: "prob"
        inner_product_param { num_output: 9 } }
"""


@pytest.fixture
def paths(tmp_path):
    rng = np.random.default_rng(5)
    names = [tmp_path / f"{i}.png" for i in range(5)]
    for i, name in enumerate(names):
        write_image(name, rng.integers(0, 256, (9 + i, 8, 3), np.uint8))
    return names


def test_the_middle_of_a_resized_image_less_its_mean():
    image = np.random.default_rng(0).integers(0, 256, (9, 7, 3), np.uint8)
    mean, crop = (10.0, 20.0, 30.0), center_crop(image, (4, 5))
    np.testing.assert_array_equal(crop, image[2:6, 1:6])
    mine = ImageInput((3, 4, 5), mean=mean, scale=0.5).prepare(crop)
    assert mine.dtype == np.float32 and mine.flags.c_contiguous
    for c in range(3):
        np.testing.assert_allclose(mine[c], (crop[..., c] - mean[c]) * 0.5)


def test_files_are_read_resized_and_cropped(paths):
    images = ImageInput((3, 5, 4), resize=(10, 6), mean=7)
    found = images.load(paths)
    assert found.shape == (5, 3, 5, 4)
    expected = read_image(paths[3], 10, 6)[2:7, 1:5].transpose(2, 0, 1) - np.float32(7)
    np.testing.assert_array_equal(found[3], expected)
    grey = ImageInput((1, 5, 4)).load(paths[:1])
    np.testing.assert_array_equal(grey[0, 0], read_image(paths[0], color=False)[2:7, 2:6, 0])


def test_the_middle_of_a_mean_image_counts(paths):
    mean = np.random.default_rng(1).normal(size=(3, 9, 8)).astype(np.float32)
    plain, less = ImageInput((3, 5, 4)), ImageInput((3, 5, 4), mean=mean)
    np.testing.assert_allclose(
        less.load(paths[:1]), plain.load(paths[:1]) - mean[:, 2:7, 2:6], rtol=1e-5
    )


def test_ten_crops_are_corners_middle_and_mirrors():
    frames = np.random.default_rng(2).integers(0, 256, (2, 6, 9, 3), np.uint8)
    crops = ten_crops(frames, (4, 4), flow=True)
    places = [(0, 0), (0, 5), (2, 0), (2, 5), (1, 2)]
    for n in range(2):
        for i, (top, left) in enumerate(places):
            crop = frames[n, top : top + 4, left : left + 4]
            np.testing.assert_array_equal(crops[n, i], crop)
            mirrored = crop[:, ::-1].copy()
            mirrored[..., 2] = 255 - mirrored[..., 2]
            np.testing.assert_array_equal(crops[n, 5 + i], mirrored)
    plain = ten_crops(frames, (4, 4))
    np.testing.assert_array_equal(plain[:, 5:], plain[:, :5, :, ::-1])


def test_features_do_not_depend_on_the_batch(paths, tmp_path):
    write_caffemodel(build(CONVNET), tmp_path / "w.caffemodel")
    (tmp_path / "d.prototxt").write_text(CONVNET)
    net = load_deploy_net(tmp_path / "d.prototxt", tmp_path / "w.caffemodel", last="fc8")
    assert net.layer_names[-1] == "fc8"
    images = ImageInput((3, 5, 4), mean=100, scale=0.01)
    whole = ImageFeatures(net, "fc8", images).compute(paths)
    twos = ImageFeatures(net, "fc8", images, batch_size=2).compute(paths)
    assert whole.shape == (5, 3)
    np.testing.assert_allclose(twos, whole, rtol=1e-5, atol=1e-6)
    net.blobs["data"].reshape(1, 3, 5, 4)
    net.blobs["data"].data[...] = images.load(paths[2:3])
    net.forward()
    np.testing.assert_allclose(net.blobs["fc8"].data[0], whole[2], rtol=1e-5, atol=1e-6)
    with pytest.raises(ModelError, match='no layer makes a blob "fc9"; did you mean "fc8"'):
        load_deploy_net(tmp_path / "d.prototxt", tmp_path / "w.caffemodel", last="fc9")
    with pytest.raises(ModelError, match='no blob "fc7"'):
        ImageFeatures(net, "fc7", images)


def test_pixels_that_do_not_fit_are_told(paths):
    with pytest.raises(
        DataError,
        match=r"0.png: images of 9x8 pixels are smaller than the net's "
        "input of 10x4",
    ):
        ImageInput((3, 10, 4)).load(paths)
    with pytest.raises(DataError, match=r"a mean of shape \(2,\) for images of 3 channels"):
        ImageInput((3, 5, 4), mean=(1.0, 2.0))
    with pytest.raises(ModelError, match=r"or \(N, 3, H, W\), got \(N, 7\)"):
        ImageInput((7,))
    with pytest.raises(DataError, match="gone.png: no such file"):
        ImageInput((3, 5, 4)).load(["gone.png"])
