"""Nets with their preprocessing and what their outputs mean: `DetectionModel` and others."""

from __future__ import annotations

from typing import Any

import numpy as np

from caffe_lite.dnn import constants
from caffe_lite.dnn.errors import raises_cv2_error
from caffe_lite.dnn.images import (
    Image2BlobParams,
    Rect,
    Scalar,
    Size,
    blobFromImageWithParams,
    scalar,
    whole_size,
)
from caffe_lite.dnn.net import Net
from caffe_lite.dnn.read import readNet
from caffe_lite.errors import ModelError, UsageError
from caffe_lite.proto.files import StrPath
from caffe_lite.types import Array

_IMAGE_INFO = "im_info"  # an input of Faster R-CNN and R-FCN: height, width, scale
_IMAGE_SCALE = 1.6


class Model:
    """`Model(net)`, or `Model(model, config)` of two files in any order.

    `predict` brings an image to the net's input, runs it and returns the net's outputs. The input's
    size is that of the definition, unless it is set. Setters return the model.
    """

    @raises_cv2_error
    def __init__(self, model: Net | StrPath, config: StrPath = "") -> None:
        self._net = model if isinstance(model, Net) else readNet(model, config)
        self._outputs = self._net.getUnconnectedOutLayersNames()
        shapes = self._net.declared_shapes()
        whole = bool(shapes) and len(shapes[0]) == 4
        self._input = Image2BlobParams(size=(shapes[0][3], shapes[0][2]) if whole else (0, 0))

    @raises_cv2_error
    def setInputSize(self, size: Size | int, height: int | None = None) -> Model:
        """Set the input's size: (width, height), or both as numbers."""
        given: Any = size if height is None else (size, height)
        self._input.size = whole_size(given)
        return self

    def setInputMean(self, mean: Scalar) -> Model:
        """Set what is subtracted from each channel."""
        self._input.mean = mean
        return self

    def setInputScale(self, scale: Scalar) -> Model:
        """Set the factor of each channel; one number is that of all."""
        factors = scalar(scale)
        self._input.scalefactor = (factors[0],) * 4 if not factors[1:].any() else tuple(factors)
        return self

    def setInputCrop(self, crop: bool) -> Model:
        """Set whether images are cut to the input's aspect ratio, not stretched."""
        mode = constants.DNN_PMODE_CROP_CENTER if crop else constants.DNN_PMODE_NULL
        self._input.paddingmode = mode
        return self

    def setInputSwapRB(self, swapRB: bool) -> Model:
        """Set whether the first and the third channel are exchanged."""
        self._input.swapRB = swapRB
        return self

    def setOutputNames(self, outNames: list[str]) -> Model:
        """Set the layers whose outputs `predict` returns."""
        self._outputs = tuple(outNames)
        return self

    @raises_cv2_error
    def setInputParams(
        self,
        scale: float = 1.0,
        size: Size = (0, 0),
        mean: Scalar = (),
        swapRB: bool = False,
        crop: bool = False,
    ) -> None:
        """Set all of them at once."""
        self._input.scalefactor = (scale,) * 4
        self.setInputSize(size).setInputMean(mean).setInputSwapRB(swapRB).setInputCrop(crop)

    def setPreferableBackend(self, backendId: int) -> Model:
        """See `Net.setPreferableBackend`."""
        self._net.setPreferableBackend(backendId)
        return self

    def setPreferableTarget(self, targetId: int) -> Model:
        """See `Net.setPreferableTarget`."""
        self._net.setPreferableTarget(targetId)
        return self

    def enableWinograd(self, useWinograd: bool) -> Model:
        """Accepted; see `Net.enableWinograd`."""
        return self

    @raises_cv2_error
    def predict(self, frame: Array, outs: object = None) -> tuple[Array, ...]:
        """The outputs of the net for an image (H, W, C)."""
        return self._predict(frame)

    def _predict(self, frame: Array) -> tuple[Array, ...]:
        width, height = self._input.size
        if not width or not height:
            raise UsageError("the input's size is not known; call setInputSize")
        self._net.setInput(blobFromImageWithParams(frame, self._input))
        if self._takes_image_info():
            info = np.array([[height, width, _IMAGE_SCALE]], np.float32)
            self._net.setInput(info, _IMAGE_INFO)
        outputs: tuple[Array, ...] = self._net.forward(self._outputs)
        return outputs

    def _takes_image_info(self) -> bool:
        return self._net.getLayer(0).outputNameToIndex(_IMAGE_INFO) != -1

    def _single(self, frame: Array) -> Array:
        outputs = self._predict(frame)
        if len(outputs) != 1:
            raise ModelError(
                f"the net has {len(outputs)} outputs, {', '.join(self._outputs)}, and one is "
                "needed; choose it with setOutputNames"
            )
        return outputs[0]


class ClassificationModel(Model):
    """`classify` returns the class of an image and its score."""

    _softmax = False

    def setEnableSoftmaxPostProcessing(self, enable: bool) -> ClassificationModel:
        """Set whether scores go through a softmax, for nets that end before it."""
        self._softmax = enable
        return self

    def getEnableSoftmaxPostProcessing(self) -> bool:
        return self._softmax

    @raises_cv2_error
    def classify(self, frame: Array) -> tuple[int, float]:
        """The index of the largest output, and its value."""
        scores = self._single(frame).reshape(-1)
        if self._softmax:
            scores = np.exp(scores - scores.max())
            scores /= scores.sum()
        best = int(scores.argmax())
        return best, float(scores[best])


class KeypointsModel(Model):
    """`estimate` returns a point for each map of the output but the last, the background."""

    @raises_cv2_error
    def estimate(self, frame: Array, thresh: float = 0.5) -> Array:
        """Points (n, 2) float32 in pixels of the image; (-1, -1) where no value exceeds `thresh`.

        An output of fewer than four axes holds the points themselves.
        """
        output = self._single(frame)
        if output.ndim != 4:
            return output.reshape(output.shape[1], -1)[:, :2].astype(np.float32)
        height, width = output.shape[2:]
        points = np.full((max(output.shape[1] - 1, 0), 2), -1, np.float32)
        scale = np.float32(frame.shape[1] / width), np.float32(frame.shape[0] / height)
        for point, heat in zip(points, output[0], strict=False):
            y, x = divmod(int(heat.argmax()), width)
            if heat[y, x] > thresh:
                point[:] = x * scale[0], y * scale[1]
        return points


class SegmentationModel(Model):
    """`segment` returns the best class of each pixel of the output."""

    @raises_cv2_error
    def segment(self, frame: Array, mask: object = None) -> Array:
        """The channel with the largest value (H, W) uint8, of the output's size."""
        scores = self._single(frame)
        if scores.ndim != 4:
            raise ModelError(f"the output must be (N, C, H, W), its shape is {scores.shape}")
        return scores[0].argmax(axis=0).astype(np.uint8)


class DetectionModel(Model):
    """`detect` returns the boxes of a net that ends in a DetectionOutput layer."""

    _across_classes = False

    def setNmsAcrossClasses(self, value: bool) -> DetectionModel:
        """Accepted; DetectionOutput suppresses boxes itself, class by class."""
        self._across_classes = value
        return self

    def getNmsAcrossClasses(self) -> bool:
        return self._across_classes

    @raises_cv2_error
    def detect(
        self, frame: Array, confThreshold: float = 0.5, nmsThreshold: float = 0.0
    ) -> tuple[Any, Any, Any]:
        """Classes (n,) int32, scores (n,) float32 and boxes (n, 4) int32: x, y, width, height.

        Boxes are in pixels of the image and lie within it. Without any, all are empty tuples.
        """
        outputs = self._predict(frame)
        last = self._net.getLayer(self._net.getLayerNames()[-1])
        if last.type != "DetectionOutput":
            raise ModelError(
                f'the net\'s last layer "{last.name}" must be a DetectionOutput, it is a '
                f"{last.type}; use predict"
            )
        width, height = frame.shape[1], frame.shape[0]
        if self._takes_image_info():
            width, height = self._input.size
        rows = np.concatenate([values.reshape(-1, 7) for values in outputs])
        rows = rows[rows[:, 2] >= np.float32(confThreshold)]
        if not len(rows):
            return (), (), ()
        boxes = [_pixels(row[3:], width, height) for row in rows]
        return rows[:, 1].astype(np.int32), rows[:, 2].copy(), np.array(boxes, np.int32)


def _pixels(corners: Array, frame_width: int, frame_height: int) -> Rect:
    """A box as (x, y, width, height) within the image.

    Corners are pixels, or fractions of the image where that makes a box of one or two pixels.
    """
    left, top, right, bottom = (int(value) for value in corners)
    if right - left + 1 <= 2 or bottom - top + 1 <= 2:
        sides = np.array([frame_width, frame_height] * 2, np.float32)
        left, top, right, bottom = (int(value) for value in corners * sides)
    width, height = right - left + 1, bottom - top + 1
    left = max(0, min(left, frame_width - 1))
    top = max(0, min(top, frame_height - 1))
    width = max(1, min(width, frame_width - left))
    height = max(1, min(height, frame_height - top))
    return left, top, width, height
