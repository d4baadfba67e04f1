"""A small net for images and what scripts do with it, for any module with pycaffe's interface."""

from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
WEIGHTS = HERE / "recorded" / "small.caffemodel"
NET = """
    name: "small"
    layer { name: "in" type: "Input" top: "data"
            input_param { shape { dim: 4 dim: 3 dim: 8 dim: 8 } } }
    layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
            convolution_param { num_output: 4 kernel_size: 3 stride: 2
                                weight_filler { type: "gaussian" std: 0.01 } } }
    layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
    layer { name: "fc" type: "InnerProduct" bottom: "conv" top: "fc"
            inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
    layer { name: "prob" type: "Softmax" bottom: "fc" top: "prob" }
"""
MEAN = np.array([90.0, 110.0, 120.0])
SETTINGS = dict(mean=MEAN, raw_scale=255, channel_swap=(2, 1, 0))
WINDOWS = [(0, 0, 12, 9), (3, 5, 11, 13), (6, 2, 16, 14), (4, 4, 6, 7)]


def predictions(caffe, net_file):
    """By name, what classifiers and detectors with these settings answer."""
    sizes = [(10, 12, 3), (16, 9, 3), (9, 9, 3)]
    images = [np.random.RandomState(i).uniform(size=size) for i, size in enumerate(sizes)]
    whole = caffe.Classifier(net_file, str(WEIGHTS), **SETTINGS)
    cropped = caffe.Classifier(net_file, str(WEIGHTS), image_dims=(11, 10), **SETTINGS)
    scaled = caffe.Classifier(net_file, str(WEIGHTS), input_scale=0.1, **SETTINGS)
    return {
        "whole": whole.predict(images[:1]),
        "crops": cropped.predict(images),
        "middle": cropped.predict(images, oversample=False),
        "scaled": scaled.predict(images, oversample=False),
    }


def detections(caffe, net_file, image_file):
    """By name, predictions for windows, without context and with it."""
    found = {}
    for pad in (None, 1, 2):
        detector = caffe.Detector(net_file, str(WEIGHTS), context_pad=pad, **SETTINGS)
        windows = [np.array(window) for window in WINDOWS]
        given = [(image_file, windows[:3]), (image_file, windows[3:])]
        answers = detector.detect_windows(given)
        assert [tuple(answer["window"]) for answer in answers] == WINDOWS
        assert {answer["filename"] for answer in answers} == {image_file}
        found[f"windows_{pad}"] = np.array([answer["prediction"] for answer in answers])
    return found
