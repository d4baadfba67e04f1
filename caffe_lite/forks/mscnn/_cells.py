"""What MS-CNN's layers over labelled cells share, on the host."""

from typing import Any

import numpy as np

from caffe_lite.forks.mscnn._codes import field_of, normalization
from caffe_lite.layers.base import Layer
from caffe_lite.types import Array, Blobs


class CellLayer(Layer):
    """Base of layers over a map of scores and codes (bottom[0]) and labelled cells (bottom[1]).

    `_param` is the layer's own message; `setup` of a subclass sets it first.
    """

    bottoms = (2, 2)
    host_side = True
    _param: Any

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self._param
        if param.cls_num < 2 or param.coord_num != 4 or (param.objectness and param.cls_num != 2):
            raise self.fail(
                "needs cls_num of at least 2, exactly 2 with objectness, and coord_num 4, got "
                f"{param.cls_num} and {param.coord_num}"
            )
        self.field = field_of(
            self,
            param.field_h,
            param.field_w,
            param.downsample_rate,
            param.field_whr,
            param.field_xyr,
        )
        self.mean, self.deviation = (values[:, None, None] for values in normalization(self))
        loss = self.param.loss_param
        self.ignored = loss.ignore_label if loss.HasField("ignore_label") else None

    def check_bottoms(self, bottom: Blobs) -> None:
        """Fail unless bottom[0] is (N, C + 4, H, W) and bottom[1] is (N, 6, H, W)."""
        self.require_elements(bottom)
        values, truth = (blob.shape for blob in bottom)
        channels = self._param.cls_num + 4
        if len(values) != 4 or values[1] != channels or truth != (values[0], 6, *values[2:]):
            raise self.fail_shape(
                1,
                (*values[:1], 6, *values[2:]),
                f"needs a map (N, {channels}, H, W) and labels (N, 6, H, W), got shapes {values} "
                f"and {truth}",
            )

    def read(self, bottom: Blobs) -> tuple[Array, Array, Array]:
        """The map, the labels (N, 6, H, W), and the class of each cell (N, H, W), on the host."""
        values, truth = (self.ops.to_host(blob.data).astype(float) for blob in bottom)
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
        return values, truth, labels.astype(int)

    def decode(self, codes: Array) -> Array:
        """Boxes (4, H, W), corner and size, from the codes (4, H, W) of an image."""
        return self.field.decode(codes * self.deviation + self.mean)
