"""Upsample: the inverse of pooling by its mask, or pixels repeated."""

from math import prod

from caffe_lite.forks.segnet._placing import PlacingLayer
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs, Flags, Pair


@register("Upsample")
class Upsample(PlacingLayer):
    """A larger image: with a mask SegNet's layer, without one YOLO's.

    With a mask, each pixel goes to the place in the top that the mask gives, and the rest is 0. If
    several go to one place, the last one counts. Without, each pixel becomes a square of pixels.

    bottom[0]  x     (N, C, H, W)
    bottom[1]  mask  (N, C, H, W)    optional: h * W' + w, from MAX pooling; takes no gradient
    top[0]     y     (N, C, H', W')  the bottom's size times `scale`, or `scale_h` and `scale_w`

    `scale` is 2 by default with a mask, 1 without. With a mask `pad_out_h` and `pad_out_w` make
    the top one row or column smaller (for a scale of 2), and `upsample_h` and `upsample_w` give its
    size outright.

    Differences from SegNet: bottoms may change their size between iterations.

    Source: alexgkendall/caffe-segnet, eric612/MobileNet-YOLO

    Example::

        layer { name: "upsample" type: "Upsample" bottom: "x" bottom: "mask" top: "y"
                upsample_param { scale: 2 } }
    """

    bottoms = (1, 2)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.upsample_param
        masked = len(bottom) > 1
        self._check_fields_go_together(masked)
        default = param.scale if masked or param.HasField("scale") else 1
        self._scale = (param.scale_h or default, param.scale_w or default)
        least = 2 if masked and not param.HasField("upsample_h") else 1
        if min(self._scale) < least:
            raise self.fail(f"scale must be at least {least}, got {self._scale}")
        for side, scale in zip("hw", self._scale, strict=True):
            if getattr(param, f"pad_out_{side}") and scale != 2:
                raise self.fail(f"pad_out_{side} needs a scale of 2, got {scale}")

    def _check_fields_go_together(self, masked: bool) -> None:
        param = self.param.upsample_param
        for name in ("scale", "upsample"):
            if param.HasField(f"{name}_h") != param.HasField(f"{name}_w"):
                raise self.fail(f"give {name}_h and {name}_w together")
        if param.HasField("scale") and param.HasField("scale_h"):
            raise self.fail("give scale, or scale_h and scale_w, not both")
        for field in ("upsample_h", "pad_out_h", "pad_out_w"):
            if not masked and param.HasField(field):
                raise self.fail(f"{field} needs a second bottom, the mask of a pooling layer")

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_image(bottom)
        shape = bottom[0].shape
        size = self._size((shape[2], shape[3]))
        if len(bottom) > 1:
            self.prepare_places(bottom, top, size)
            return
        top[0].reshape(*shape[:2], *size)
        down, right = self._scale
        self._squares = (shape[0] * shape[1], shape[2], down, shape[3], right)
        self._pixels = (shape[0] * shape[1], shape[2], 1, shape[3], 1)

    def _size(self, bottom: Pair) -> Pair:
        param = self.param.upsample_param
        if param.HasField("upsample_h"):
            return param.upsample_h, param.upsample_w
        return (
            bottom[0] * self._scale[0] - param.pad_out_h,
            bottom[1] * self._scale[1] - param.pad_out_w,
        )

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        if len(bottom) > 1:
            self.place(bottom[0].data, bottom[1].data, top[0].data)
        else:
            top[0].data.reshape(self._squares)[...] = bottom[0].data.reshape(self._pixels)

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        if not propagate_down[0]:
            return
        if len(bottom) > 1:
            self.collect(top[0].diff, bottom[0].diff)
        else:
            # The sum over a square: its average times its size.
            self.ops.ave_pool(top[0].diff, bottom[0].diff, self._scale, self._scale, (0, 0))
            dx = bottom[0].diff
            dx *= prod(self._scale)
