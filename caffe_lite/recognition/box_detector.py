"""Objects in images, by nets that end in a DetectionOutput layer, such as SSD's and YOLO's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from caffe_lite.data.images import read_image
from caffe_lite.data.resize import resize
from caffe_lite.errors import ModelError
from caffe_lite.lrcn.image_input import ImageInput
from caffe_lite.nets.net import Net


@dataclass(frozen=True)
class Detection:
    """One object: `box` is xmin, ymin, xmax, ymax in pixels of the image, cut to it."""

    label: int
    score: float
    box: tuple[float, float, float, float]


def detection_blob(net: Net) -> str:
    """The top of the net's last DetectionOutput layer, "" if it has none."""
    tops = [each.top[0] for each in net.param.layer if each.type.endswith("DetectionOutput")]
    return tops[-1] if tops else ""


class BoxDetector:
    """Finds objects of at least `threshold` score; the whole image is resized to the net's input.

    Raises ModelError for a net without a DetectionOutput layer or with several inputs.
    """

    def __init__(self, net: Net, images: ImageInput, threshold: float = 0.5) -> None:
        self.net, self.images, self.threshold = net, images, threshold
        self.blob = detection_blob(net)
        if not self.blob:
            raise ModelError(
                f'net "{net.name}" has no DetectionOutput layer; give --windows to classify windows'
            )
        if len(net.inputs) != 1:
            raise ModelError(
                f'net "{net.name}" takes {", ".join(net.inputs)}; detection needs one input, the '
                "image"
            )

    def detect(self, path: str) -> list[Detection]:
        """The objects in an image file, the best first. Raises DataError if it cannot be read."""
        image = read_image(path, color=self.images.channels == 3)
        batch = self.images.prepare(resize(image, *self.images.size))[None]
        data = self.net.blobs[self.net.inputs[0]]
        data.reshape(*batch.shape)
        data.load(batch)
        self.net.forward()
        rows = self.net.ops.to_host(self.net.blobs[self.blob].data).reshape(-1, 7)
        return self._detections(rows, image.shape[0], image.shape[1])

    def _detections(self, rows: np.ndarray, height: int, width: int) -> list[Detection]:
        """Detections from rows (image, label, score, xmin, ymin, xmax, ymax) of one image."""
        found = []
        for _, label, score, *box in rows.tolist():
            if label >= 0 and score >= self.threshold:
                left, top, right, bottom = (min(max(side, 0.0), 1.0) for side in box)
                edges = (left * width, top * height, right * width, bottom * height)
                found.append(Detection(int(label), score, edges))
        return sorted(found, key=lambda each: -each.score)
