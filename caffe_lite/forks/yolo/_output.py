"""What YOLO's detection outputs share: their shapes, and rows for a batch's detections."""

from abc import abstractmethod
from typing import Any

from caffe_lite.forks.ssd._detect import to_rows
from caffe_lite.layers.base import Layer
from caffe_lite.types import Array, Blobs


class DetectionOutput(Layer):
    """Maps (N, A * (B + C), H, W) to detections (1, 1, K, 7), of A boxes of B numbers, C classes.

    A subclass has its parameter's `num_box` and `num_classes` in `options`, B in `numbers`, and
    finds the detections of one image.
    """

    host_side = True
    varying_axis = 2

    @property
    @abstractmethod
    def options(self) -> Any:
        """The layer's own parameter message."""

    @property
    def numbers(self) -> int:
        """How many numbers a box has before its classes."""
        return 5

    @abstractmethod
    def detections(self, maps: list[Array]) -> Array:
        """The detections (K, 6) of one image, from its maps (A * (B + C), H, W) on the host."""

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        boxes, classes = self.options.num_box, self.options.num_classes
        channels = boxes * (self.numbers + classes)
        for i, blob in enumerate(bottom):
            if len(blob.shape) != 4 or blob.shape[:2] != (bottom[0].shape[0], channels):
                raise self.fail(
                    f"bottom[{i}] must have shape (N, {channels}, H, W), for {boxes} boxes of "
                    f"{self.numbers} numbers and {classes} classes, got {blob.shape}"
                )
        if top[0].shape[-1:] != (7,):
            top[0].reshape(1, 1, 1, 7)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        maps = [self.ops.to_host(blob.data) for blob in bottom]
        rows = to_rows([self.detections([each[i] for each in maps]) for i in range(len(maps[0]))])
        top[0].reshape(1, 1, *rows.shape)
        self.ops.copy_to_device(rows, top[0].data)
