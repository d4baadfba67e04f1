"""Classifier and Detector against the answers of Caffe's own, and their mistakes."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import caffe_lite.pycaffe as caffe
from caffe_lite.errors import CaffeError
from tests.pycaffe.image_nets import MEAN, NET, WEIGHTS, detections, predictions
from tests.pycaffe.images import image

RECORDED = np.load(Path(__file__).with_name("recorded") / "image_nets.npz")


@pytest.fixture
def net_file(tmp_path):
    path = tmp_path / "net.prototxt"
    path.write_text(NET)
    return str(path)


@pytest.fixture
def image_file(tmp_path):
    path = str(tmp_path / "image.png")
    Image.fromarray((image((16, 14, 3)) * 255).astype(np.uint8)).save(path)
    return path


def test_predictions_are_those_of_caffe(net_file):
    for name, answer in predictions(caffe, net_file).items():
        np.testing.assert_allclose(answer, RECORDED[name], rtol=1e-4, atol=1e-6, err_msg=name)


def test_detections_are_those_of_caffe(net_file, image_file):
    for name, answer in detections(caffe, net_file, image_file).items():
        np.testing.assert_allclose(answer, RECORDED[name], rtol=1e-4, atol=1e-6, err_msg=name)


def test_a_classifier_is_a_net(net_file):
    net = caffe.Classifier(net_file, str(WEIGHTS), mean=MEAN)
    assert isinstance(net, caffe.Net) and net.phase == caffe.TEST
    assert net.image_dims == (8, 8) and net.transformer.mean["data"].shape == (3, 1, 1)
    assert set(net.forward()) == {"prob"}


def test_context_beyond_the_image_is_the_mean(net_file):
    settings = dict(mean=MEAN, raw_scale=255, channel_swap=(2, 1, 0), context_pad=2)
    detector = caffe.Detector(net_file, str(WEIGHTS), **settings)
    crop = detector.crop(np.ones((9, 9, 3), np.float32), (0, 0, 8, 8))
    np.testing.assert_allclose(crop[0, 0], MEAN[::-1] / 255, rtol=1e-6)
    np.testing.assert_array_equal(crop[2:6, 2:6], 1)


def test_mistakes_are_told(net_file, image_file, tmp_path):
    detector = caffe.Detector(net_file, str(WEIGHTS))
    assert detector.detect_windows([(image_file, [])]) == []
    for act, words in [
        (lambda: detector.crop(image((5, 6, 3)), (7, 0, 9, 3)), r"lies outside the image of 5 x 6"),
        (lambda: detector.detect_selective_search(["a"]), "needs MATLAB's selective search"),
        (lambda: caffe.Detector(net_file, context_pad=4), "square input of more than 8 pixels"),
        (
            lambda: caffe.Classifier(net_file, image_dims=(7, 9)).predict([image((9, 9, 3))]),
            "images of 7x9 pixels are smaller",
        ),
    ]:
        with pytest.raises(CaffeError, match=words):
            act()
    path = tmp_path / "train.prototxt"
    path.write_text("""name: "t" layer { name: "x" type: "DummyData" top: "x"
                       dummy_data_param { shape { dim: 2 } } }""")
    with pytest.raises(CaffeError, match='net "t" has no input for images'):
        caffe.Classifier(str(path))
