"""What Convolution, Deconvolution and Im2col share: ConvolutionParameter's geometry and blobs."""

from math import prod

from caffe_lite.backend import ConvGeometry
from caffe_lite.layers.base import Layer
from caffe_lite.types import AnyMessage, Array, Blobs, Flags, Shape


def read_geometry(layer: Layer, spatial_axes: int, group: int = 1) -> ConvGeometry:
    """Kernel, stride, pad and dilation of `convolution_param` over `spatial_axes` axes.

    Each is given once, once per spatial axis, or (not dilation) as `_h` and `_w` for two axes.
    """
    param = layer.param.convolution_param

    def sizes(field: str, short: str, default: int | None, least: int) -> Shape:
        given = tuple(getattr(param, field))
        pair = (f"{short}_h", f"{short}_w")
        if short and any(param.HasField(name) for name in pair):
            if given:
                raise layer.fail(f"give {field} or {pair[0]} and {pair[1]}, not both")
            if spatial_axes != 2:
                raise layer.fail(
                    f"{pair[0]} and {pair[1]} need 2 spatial axes, the bottom has "
                    f"{spatial_axes}: use {field}"
                )
            given = tuple(getattr(param, name) for name in pair)
        elif not given and default is not None:
            given = (default,)
        if len(given) not in (1, spatial_axes):
            raise layer.fail(
                f"{field} must be given once, or once per spatial axis "
                f"({spatial_axes}), got {len(given)} values"
            )
        if min(given, default=least) < least:
            raise layer.fail(f"{field} must be at least {least}, got {min(given)}")
        return given * spatial_axes if len(given) == 1 else given

    return ConvGeometry(
        sizes("kernel_size", "kernel", None, 1),
        sizes("stride", "stride", 1, 1),
        sizes("pad", "pad", 0, 0),
        sizes("dilation", "", 1, 1),
        group,
    )


def misfit(kernel: Shape, spatial: Shape, pad: Shape, dilation: Shape = ()) -> str:
    """What is wrong with a kernel that is larger than the padded bottom."""
    dilated = f" with dilation {dilation}" if any(d > 1 for d in dilation) else ""
    padded = f" with pad {pad}" if any(pad) else ""
    return (
        f"the kernel {kernel}{dilated} does not fit the bottom's {spatial}{padded}; "
        "make it smaller, or pad more"
    )


class ConvolutionBase(Layer):
    """Bottoms of one shape (N axes, C, spatial axes), one top each, under one set of weights.

    `axis` is that of the channels C. Subclasses say which way the convolution runs.
    """

    spatial = True
    bottoms = (1, None)
    tops = (1, None)
    transposed = False

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.convolution_param
        for hint in ("engine", "force_nd_im2col"):
            self.note_hint(param, hint)
        if len(bottom) != len(top):
            raise self.fail(
                f"makes one top per bottom, got {len(bottom)} bottoms and {len(top)} tops"
            )
        self.require_elements(bottom)
        shape = bottom[0].shape
        self._axis = self.canonical_axis(param.axis, len(shape))
        self._channels, self._num_output = shape[self._axis], param.num_output
        self._check_channels(param)
        geometry = read_geometry(self, len(shape) - self._axis - 1, param.group)
        kernel = geometry.kernel
        if not kernel:  # no spatial axis: as if there were one of size 1
            geometry = ConvGeometry((1,), (1,), (0,), (1,), param.group)
        self._geometry = geometry
        self.bias_term = param.bias_term
        outer, inner = self._num_output, self._channels
        if self.transposed:
            outer, inner = inner, outer
        if not self.blobs:
            self.add_blob((outer, inner // param.group, *kernel), param.weight_filler)
            if self.bias_term:
                self.add_blob((self._num_output,), param.bias_filler)
        self._weight_shape = (outer, inner // param.group, *geometry.kernel)

    def _check_channels(self, param: AnyMessage) -> None:
        if self._num_output < 1:
            raise self.fail(f"num_output must be at least 1, got {self._num_output}")
        if param.group < 1:
            raise self.fail(f"group must be at least 1, got {param.group}")
        for what, count in (("channels", self._channels), ("num_output", self._num_output)):
            if count % param.group:
                raise self.fail(f"{what} ({count}) must be a multiple of group ({param.group})")

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        shape = bottom[0].shape
        spatial = shape[self._axis + 1 :]
        axes = self._axis + len(self.blobs[0].shape) - 1
        if len(shape) != axes or shape[self._axis] != self._channels:
            raise self.fail(
                f"the weights take {axes} axes with {self._channels} channels on axis "
                f"{self._axis}, the bottom's shape is {shape}"
            )
        for i, blob in enumerate(bottom):
            if blob.shape != shape:
                raise self.fail(
                    f"all bottoms must have one shape, bottom[0] has {shape} and "
                    f"bottom[{i}] {blob.shape}"
                )
        made = self.output(spatial or (1,))
        if min(made) < 1:
            raise self.fail(f"the output would have spatial shape {made}: {self._misfit(spatial)}")
        batch = prod(shape[: self._axis])
        for blob in top:
            blob.reshape(*shape[: self._axis], self._num_output, *(made if spatial else ()))
        self._x_shape = (batch, self._channels, *(spatial or (1,)))
        self._y_shape = (batch, self._num_output, *made)

    def _misfit(self, spatial: Shape) -> str:
        geometry = self._geometry
        if self.transposed:
            return f"pad {geometry.pad} takes more away than there is; make it smaller"
        return misfit(geometry.kernel, spatial, geometry.pad, geometry.dilation)

    def output(self, spatial: Shape) -> Shape:
        """Spatial shape of the tops."""
        return (
            self._geometry.transposed_output(spatial)
            if self.transposed
            else self._geometry.output(spatial)
        )

    def weights(self) -> Array:
        """The weights that multiply the data."""
        return self.blobs[0].data.reshape(self._weight_shape)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        weight = self.weights()
        bias = self.blobs[1].data.reshape(-1) if self.bias_term else None
        for x, y in zip(bottom, top, strict=True):
            self.convolve(
                x.data.reshape(self._x_shape), weight, bias, y.data.reshape(self._y_shape)
            )

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        weight = self.weights()
        for i in range(len(top)):
            dy = top[i].diff.reshape(self._y_shape)
            if self.bias_term and self.needs_param_diff(1):
                self.ops.sum_bias(dy, self.blobs[1].diff.reshape(-1))
            if self.needs_param_diff(0):
                dweight = self.blobs[0].diff.reshape(self._weight_shape)
                self.grad_weight(bottom[i].data.reshape(self._x_shape), dy, dweight)
            if propagate_down[i]:
                self.grad_data(dy, weight, bottom[i].diff.reshape(self._x_shape))

    def convolve(self, x: Array, weight: Array, bias: Array | None, y: Array) -> None:
        """Write y."""
        raise NotImplementedError

    def grad_data(self, dy: Array, weight: Array, dx: Array) -> None:
        """Write dx."""
        raise NotImplementedError

    def grad_weight(self, x: Array, dy: Array, dweight: Array) -> None:
        """Add to dweight."""
        raise NotImplementedError
