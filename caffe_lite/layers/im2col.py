"""Im2col: image patches as columns."""

from math import prod

from caffe_lite.layers._conv import misfit, read_geometry
from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs, Flags


@register("Im2col")
class Im2col(Layer):
    """Patches as columns: y[c * taps + t, p] = x[c, p * stride - pad + t * dilation].

    bottom[0]  x  (N, C, *S)         `axis` names the channels
    top[0]     y  (N, C * taps, *S') taps: product of the kernel's sizes; S' as in Convolution

    Backward: dx[c, q] = sum of the dy that x[c, q] was copied to (col2im). Kept from forward:
    nothing.

    Reads convolution_param; num_output, bias_term, group and the fillers do not matter here.

    Caffe: src/caffe/layers/im2col_layer.cpp

    Example::

        layer { name: "cols" type: "Im2col" bottom: "data" top: "cols"
                convolution_param { kernel_size: 3 stride: 2 } }
    """

    spatial = True
    reads = ("convolution_param",)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        self.note_hint(self.param.convolution_param, "force_nd_im2col")
        shape = bottom[0].shape
        self._axis = self.canonical_axis(self.param.convolution_param.axis, len(shape))
        if len(shape) - self._axis < 2:
            raise self.fail(
                "needs at least one axis after the channels (axis "
                f"{self._axis}), the bottom's shape is {shape}"
            )
        self._geometry = read_geometry(self, len(shape) - self._axis - 1)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        shape, geometry = bottom[0].shape, self._geometry
        batch, channels, spatial = shape[: self._axis], shape[self._axis], shape[self._axis + 1 :]
        if len(spatial) != len(geometry.kernel):
            raise self.fail(
                f"was set up for {len(geometry.kernel)} spatial axes, the bottom's shape is {shape}"
            )
        made = geometry.output(spatial)
        if min(made) < 1:
            raise self.fail(
                f"the output would have spatial shape {made}: "
                f"{misfit(geometry.kernel, spatial, geometry.pad, geometry.dilation)}"
            )
        rows = channels * geometry.taps
        top[0].reshape(*batch, rows, *made)
        self._x_shape = (prod(batch), channels, *spatial)
        self._y_shape = (prod(batch), rows, *made)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        self.ops.im2col(
            bottom[0].data.reshape(self._x_shape),
            top[0].data.reshape(self._y_shape),
            self._geometry,
        )

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        if propagate_down[0]:
            self.ops.col2im(
                top[0].diff.reshape(self._y_shape),
                bottom[0].diff.reshape(self._x_shape),
                self._geometry,
            )
