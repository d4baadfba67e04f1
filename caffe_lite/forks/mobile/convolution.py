"""Convolution with TensorFlow's padding."""

from dataclasses import replace

from caffe_lite.backend.operations import Operation
from caffe_lite.layers import convolution
from caffe_lite.layers.registry import register
from caffe_lite.proto import schema
from caffe_lite.types import Array, Blobs, Shape


@register("Convolution", when=["convolution_param.tf_pad"])
class Convolution(convolution.Convolution):
    """Convolution whose padding follows from the bottom's size, as in TensorFlow.

        SAME   S' = S / stride, rounded up; what the windows need beyond the bottom is split evenly,
               and an odd row or column is at the end
        VALID  no padding: S' = (S - extent) / stride + 1, rounded down

    `tf_pad` chooses; `pad` is not to be given beside it.

    bottom[i]  x_i  (N, C, *S)        all of one shape; `axis` names the channels
    top[i]     y_i  (N, O, *S')       O = num_output; extent = dilation * (kernel - 1) + 1
    blobs[0]   W    (O, C / group, *kernel)
    blobs[1]   b    (O,)              absent with bias_term: false

    Source: chuanqi305/ssd

    Example::

        layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
                convolution_param { num_output: 4 kernel_size: 3 stride: 2 tf_pad: SAME
                                    weight_filler { type: "msra" } } }
    """

    extensions = ("convolution_param.tf_pad",)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.convolution_param
        self._same = param.HasField("tf_pad") and param.tf_pad == schema.ConvolutionParameter.SAME
        given = [name for name in ("pad", "pad_h", "pad_w") if getattr(param, name)]
        if param.HasField("tf_pad") and given:
            raise self.fail(f"give tf_pad or {given[0]}, not both")
        super().setup(bottom, top)

    def output(self, spatial: Shape) -> Shape:
        if not self._same:
            return super().output(spatial)
        stride = self._geometry.stride
        return tuple(-(-size // step) for size, step in zip(spatial, stride, strict=True))

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        self._padded: Array | None = None
        if not self._same:
            return
        geometry, spatial = self._geometry, self._x_shape[2:]
        missing = tuple(
            max((made - 1) * step + extent - size, 0)
            for made, step, extent, size in zip(
                self._y_shape[2:], geometry.stride, geometry.extent, spatial, strict=True
            )
        )
        before = tuple(pixels // 2 for pixels in missing)
        if any(pixels % 2 for pixels in missing):
            sides = (size + pixels for size, pixels in zip(spatial, missing, strict=True))
            self._padded = self.ops.zeros((*self._x_shape[:2], *sides))
            self._gradient = self.ops.empty(self._padded.shape)
            inner = (slice(a, a + size) for a, size in zip(before, spatial, strict=True))
            self._inner = (slice(None), slice(None), *inner)
            before = (0,) * len(spatial)
        self._geometry = replace(geometry, pad=before)

    def convolve(self, x: Array, weight: Array, bias: Array | None, y: Array) -> None:
        super().convolve(self._with_edges(x), weight, bias, y)

    def operation(self, bottom: Blobs, top: Blobs) -> Operation | None:
        return super().operation(bottom, top) if self._padded is None else None

    def grad_data(self, dy: Array, weight: Array, dx: Array) -> None:
        if self._padded is None:
            super().grad_data(dy, weight, dx)
            return
        super().grad_data(dy, weight, self._gradient)
        dx[...] = self._gradient[self._inner]

    def grad_weight(self, x: Array, dy: Array, dweight: Array) -> None:
        super().grad_weight(self._with_edges(x), dy, dweight)

    def _with_edges(self, x: Array) -> Array:
        """x, or a copy with zeros around it where both ends differ."""
        if self._padded is None:
            return x
        self._padded[self._inner] = x
        return self._padded
