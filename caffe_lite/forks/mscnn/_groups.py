"""What Cascade R-CNN's layers over groups of fields share, on the host.

A feature map has several fields for each cell. Items of the blobs are (image, field) pairs, the
fields of an image together.
"""

from typing import Any

import numpy as np

from caffe_lite.forks.mscnn._codes import Field, field_of, normalization
from caffe_lite.layers.base import Layer
from caffe_lite.types import Array, Blobs


def fields_of(layer: Layer, param: Any, size: float, offset: float) -> list[Field]:
    """The fields of a message with field_h, field_w and stride."""
    heights, widths = list(param.field_h), list(param.field_w)
    if not heights or len(heights) != len(widths):
        raise layer.fail(
            f"field_h and field_w must be given equally often, got {heights} and {widths}"
        )
    return [
        field_of(layer, height, width, param.stride, size, offset)
        for height, width in zip(heights, widths, strict=True)
    ]


class GroupLayer(Layer):
    """Base of layers over scores, codes and labels of the cells of a feature map.

    `_param` is the layer's own message; `setup` of a subclass sets it first.
    """

    bottoms = (3, 3)
    host_side = True
    _param: Any

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self._param
        if param.cls_num < 2 or (param.objectness and param.cls_num != 2):
            raise self.fail(
                f"needs cls_num of at least 2, exactly 2 with objectness, got {param.cls_num}"
            )
        self.fields = fields_of(self, param, param.field_whr, param.field_xyr)
        self.mean, self.deviation = (values[:, None, None] for values in normalization(self))
        loss = self.param.loss_param
        self.ignored = loss.ignore_label if loss.HasField("ignore_label") else None

    def check_bottoms(self, bottom: Blobs) -> None:
        """Fail unless the bottoms have C, 4 and 6 channels and are alike else."""
        self.require_elements(bottom)
        channels, first = (self._param.cls_num, 4, 6), bottom[0].shape
        for i, (blob, count) in enumerate(zip(bottom, channels, strict=True)):
            wanted = (*first[:1], count, *first[2:])
            if len(first) != 4 or blob.shape != wanted:
                raise self.fail_shape(
                    i,
                    wanted,
                    f"needs scores (N, {channels[0]}, H, W), codes (N, 4, H, W) and labels "
                    f"(N, 6, H, W), got shape {blob.shape} in bottom[{i}]",
                )
        if first[0] % len(self.fields):
            raise self.fail(
                f"{len(self.fields)} fields need as many items for each image, got {first[0]}"
            )

    def read(self, bottom: Blobs) -> tuple[Array, Array, Array, Array]:
        """Scores, codes, labels (N, 6, H, W) and the class of each cell (N, H, W), on the host."""
        scores, codes, truth = (self.ops.to_host(blob.data).astype(float) for blob in bottom)
        classes = self._param.cls_num
        given = np.trunc(truth[:, 0])
        labels = np.minimum(given, 1) if self._param.objectness else given
        good = (labels >= 0) & (labels < classes)
        if self.ignored is not None:
            good |= labels == self.ignored
        if not good.all():
            others = "" if self.ignored is None else f" or ignore_label ({self.ignored})"
            raise self.fail(
                f"labels must be integers from 0 to {classes - 1}{others}, got {given[~good][0]:g}"
            )
        return scores, codes, truth, labels.astype(int)
