"""Pooling over any number of spatial axes, by operations over two.

A maximum over a box is one over its planes and then over its depth, and so is a sum; the window's
size is a product. So the last two axes are pooled together, and each axis before them alone.
"""

from math import prod

from caffe_lite.layers._conv import misfit
from caffe_lite.layers.base import Layer
from caffe_lite.proto import schema
from caffe_lite.types import Array, Blobs, Flags, Pair, Shape

Methods = schema.PoolingParameter


class SpatialPooling(Layer):
    """Pooling of (N, C, *S); a subclass sets `_method` and, per axis, the three tuples in `setup`.

    An empty `_kernel` means the whole of each axis.
    """

    _method: int
    _kernel: Shape
    _stride: Shape
    _pad: Shape
    _last_in_padding = False  # keep a last window that begins in the far padding

    def check_windows(self) -> None:
        """Fail for kernels, strides or padding that are out of range."""
        if self._method not in (Methods.MAX, Methods.AVE):
            raise self.fail("pool must be MAX or AVE")
        if min(self._kernel, default=1) < 1 or min(self._stride, default=1) < 1:
            raise self.fail(
                f"kernel and stride must be at least 1, got {self._kernel} and {self._stride}"
            )
        if self._kernel and any(p >= k for p, k in zip(self._pad, self._kernel, strict=True)):
            raise self.fail(f"pad must be smaller than the kernel {self._kernel}, got {self._pad}")

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        shape = bottom[0].shape
        spatial = shape[2:]
        if not spatial or (self._kernel and len(spatial) != len(self._kernel)):
            axes = 2 + len(self._kernel)
            raise self.fail(f"needs a bottom of {axes} axes (N, C, ...), got shape {shape}")
        kernel = self._kernel or spatial
        stride, pad = self._stride or (1,) * len(kernel), self._pad or (0,) * len(kernel)
        made = tuple(map(self._output, spatial, kernel, stride, pad))
        if min(made) < 1:
            raise self.fail(
                f"the output would have spatial shape {made}: {misfit(kernel, spatial, pad)}"
            )
        top[0].reshape(*shape[:2], *made)
        windows = list(zip(kernel, stride, pad, strict=True))
        self._passes = _passes(shape[0] * shape[1], spatial, made, windows)
        self._between = [self.ops.empty(step.y) for step in self._passes[:-1]]
        self._between_diff = [self.ops.empty(step.y) for step in self._passes[:-1]]
        if self._method == Methods.MAX:
            self._masks = [self.ops.empty(step.y, "int32") for step in self._passes]

    def _output(self, size: int, kernel: int, stride: int, pad: int) -> int:
        made = -(-(size + 2 * pad - kernel) // stride) + 1
        if pad and not self._last_in_padding and (made - 1) * stride >= size + pad:
            made -= 1
        return made

    def _data(self, x: Array, y: Array, between: list[Array]) -> list[tuple[Array, Array]]:
        """Input and output of each pass."""
        arrays = [x, *between, y]
        return [
            (arrays[i].reshape(step.x), arrays[i + 1].reshape(step.y))
            for i, step in enumerate(self._passes)
        ]

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        pairs = self._data(bottom[0].data, top[0].data, self._between)
        for i, ((x, y), step) in enumerate(zip(pairs, self._passes, strict=True)):
            if self._method == Methods.MAX:
                self.ops.max_pool(x, y, self._masks[i], *step.window)
            else:
                self.ops.ave_pool(x, y, *step.window)

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        if not propagate_down[0]:
            return
        pairs = self._data(bottom[0].diff, top[0].diff, self._between_diff)
        for i in reversed(range(len(pairs))):
            (dx, dy), step = pairs[i], self._passes[i]
            if self._method == Methods.MAX:
                self.ops.max_pool_grad(dy, self._masks[i], dx, *step.window)
            else:
                self.ops.ave_pool_grad(dy, dx, *step.window)


class _Pass:
    """One pooling over two axes: shapes of x and y (1, outer, A, B), and kernel, stride, pad."""

    def __init__(self, x: Shape, y: Shape, kernel: Pair, stride: Pair, pad: Pair) -> None:
        self.x, self.y = x, y
        # A window need not begin farther out than just beyond the image: there it is empty.
        step = min(stride[0], x[2] + pad[0]), min(stride[1], x[3] + pad[1])
        self.window: tuple[Pair, Pair, Pair] = (kernel, step, pad)


def _passes(
    planes: int, spatial: Shape, made: Shape, windows: list[tuple[int, int, int]]
) -> list[_Pass]:
    """The poolings that together pool `spatial` to `made`; windows are (kernel, stride, pad)."""
    count = len(spatial)
    first = max(count - 2, 0)
    if count == 1:
        k, s, p = windows[0]
        x, y = (1, planes, spatial[0], 1), (1, planes, made[0], 1)
        return [_Pass(x, y, (k, 1), (s, 1), (p, 0))]
    outer = planes * prod(spatial[:first])
    (k0, s0, p0), (k1, s1, p1) = windows[first:]
    plane, made_plane = (1, outer, *spatial[first:]), (1, outer, *made[first:])
    steps = [_Pass(plane, made_plane, (k0, k1), (s0, s1), (p0, p1))]
    for axis in reversed(range(first)):
        outer, inner = planes * prod(spatial[:axis]), prod(made[axis + 1 :])
        k, s, p = windows[axis]
        x, y = (1, outer, spatial[axis], inner), (1, outer, made[axis], inner)
        steps.append(_Pass(x, y, (k, 1), (s, 1), (p, 0)))
    return steps
