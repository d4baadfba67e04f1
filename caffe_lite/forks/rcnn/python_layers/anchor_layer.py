"""What the layers over anchors share, on the host: their param_str and a batch of one image."""

from typing import Any

import numpy as np

from caffe_lite.errors import DataError
from caffe_lite.forks.boxes.anchors import base_anchors, over_grid
from caffe_lite.forks.rcnn.python_layers.settings import Settings, read_settings
from caffe_lite.layers.base import Layer
from caffe_lite.types import Array


class AnchorLayer(Layer):
    """Base of Faster R-CNN's layers over the anchors of a feature map."""

    type = "Python"
    bottoms = tops = (0, None)
    keys: dict[str, Any] = {  # noqa: RUF012
        "feat_stride": None,
        "scales": (8, 16, 32),
        "ratios": (0.5, 1, 2),
        "allowed_border": 0.0,
    }

    def read(self) -> Settings:
        """Set the stride and the anchors by `param_str`, and return the settings."""
        settings, own = read_settings(self.param.python_param.param_str, self.keys)
        self.stride, self.border = own["feat_stride"], own["allowed_border"]
        if self.stride < 1 or min(own["scales"]) <= 0 or min(own["ratios"]) <= 0:
            raise DataError("param_str: feat_stride, scales and ratios must be positive")
        self.anchors = base_anchors(np, 16, own["ratios"], own["scales"])
        return settings

    def over(self, height: int, width: int) -> Array:
        """All anchors (H * W * A, 4) of a feature map, cell by cell."""
        return over_grid(np, self.anchors, height, width, self.stride)

    def require_one_image(self, bottom: Any) -> None:
        """Fail for a batch of several images."""
        if bottom[0].data.shape[0] != 1:
            raise DataError(f"takes batches of one image, got {bottom[0].data.shape[0]}")

    def reshape(self, bottom: Any, top: Any) -> None:
        """`setup` and `forward` give the tops their shapes."""

    def backward(self, top: Any, propagate_down: Any, bottom: Any) -> None:
        """Nothing passes a gradient on."""
        for flag, blob in zip(propagate_down, bottom, strict=True):
            if flag:
                blob.diff[...] = 0
