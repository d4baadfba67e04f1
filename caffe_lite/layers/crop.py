"""Cropping to the size of another blob."""

from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs, Flags


@register("Crop")
class Crop(Layer):
    """A part of the bottom, as large as a second blob from `axis` on, starting at `offset`.

    bottom[0]  x          any shape
    bottom[1]  reference  the same number of axes; only its shape counts, its gradient is 0
    top[0]     y          the sizes of x before `axis`, those of bottom[1] from there on

    Backward: dx = dy in the part that was taken, 0 elsewhere. Kept from forward: nothing.

    No `offset` means 0, one is that of every axis from `axis` on, else there is one for each.

    Caffe: src/caffe/layers/crop_layer.cpp

    Differences from Caffe: the gradient of bottom[1] is 0 if it is computed, where Caffe
    leaves what is there.

    Example::

        layer { name: "crop" type: "Crop" bottom: "x" bottom: "reference" top: "y"
                crop_param { axis: 2 offset: 1 offset: 0 } }
    """

    bottoms = (2, 2)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        x, reference = bottom[0].shape, bottom[1].shape
        param = self.param.crop_param
        axis = self.canonical_axis(param.axis, len(x))
        if len(reference) != len(x):
            raise self.fail(
                f"both bottoms must have the same number of axes, got {x} and {reference}"
            )
        cropped = len(x) - axis
        offsets = list(param.offset) or [0]
        if len(offsets) == 1:
            offsets *= cropped
        if len(offsets) != cropped:
            raise self.fail(
                f"offset must be given once, or once for each of the {cropped} axes "
                f"from axis {axis} on, got {len(offsets)}"
            )
        self._start = [0] * axis + offsets
        for i, offset in enumerate(offsets, axis):
            if offset + reference[i] > x[i]:
                raise self.fail(
                    f"the crop leaves bottom[0] on axis {i}: offset {offset} and size "
                    f"{reference[i]} need {offset + reference[i]}, there are {x[i]}"
                )
        top[0].reshape(*x[:axis], *reference[axis:])

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        self.ops.crop(bottom[0].data, self._start, top[0].data)

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        if propagate_down[1]:
            bottom[1].diff[...] = 0
        if propagate_down[0]:
            self.ops.crop_grad(top[0].diff, self._start, bottom[0].diff)
