"""Unpooling: the inverse of pooling."""

from caffe_lite.forks.segnet._placing import PlacingLayer
from caffe_lite.layers.registry import register
from caffe_lite.proto import schema
from caffe_lite.types import Array, Blobs, Flags, Pair


@register("Unpooling")
class Unpooling(PlacingLayer):
    """A larger image, in which each pixel of the bottom fills what was its pooling window.

        MAX   the pixel goes to the place that the mask gives; without one, to the window's corner
        AVE   every pixel of the window takes the value divided by the size of the window
        TILE  every pixel of the window takes the value; where windows overlap, values add up

    The rest is 0. Noh et al., Learning Deconvolution Network for Semantic Segmentation, ICCV 2015.

    bottom[0]  x     (N, C, H, W)
    bottom[1]  mask  (N, C, H, W)    only with MAX, optional: h * W' + w; takes no gradient
    top[0]     y     (N, C, H', W')  `unpool_size`, or `unpool_h` and `unpool_w`

    Differences from HyeonwooNoh's layer: AVE and TILE begin with zeros, there with the last
    iteration's values; the gradient of TILE is that of the formula, there it is divided by the
    size of the window. A window that lies outside the top is refused.

    Source: HyeonwooNoh/caffe

    Example::

        layer { name: "unpool" type: "Unpooling" bottom: "x" bottom: "mask" top: "y"
                unpooling_param { unpool: MAX kernel_size: 2 stride: 2 unpool_size: 8 } }
    """

    bottoms = (1, 2)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.unpooling_param
        self._methods = schema.UnpoolingParameter
        self._kernel = self._pair("kernel_size", "kernel")
        self._stride = self._pair("stride", "stride")
        self._size = self._pair("unpool_size", "unpool")
        for name, pair in (
            ("kernel_size", self._kernel),
            ("stride", self._stride),
            ("unpool_size", self._size),
        ):
            if min(pair) < 1:
                raise self.fail(f"{name} must be given, and be at least 1, got {pair}")
        if self._pair("pad", "pad") != (0, 0):
            raise self.fail("pad must be 0; unpool without padding, and crop the top")
        if len(bottom) > 1 and param.unpool != self._methods.MAX:
            raise self.fail("a second bottom (the mask) needs unpool: MAX")

    def _pair(self, field: str, short: str) -> Pair:
        param = self.param.unpooling_param
        given = [param.HasField(f"{short}_{side}") for side in "hw"]
        if not any(given):
            return (getattr(param, field),) * 2
        if not all(given) or param.HasField(field):
            raise self.fail(f"give {field}, or both {short}_h and {short}_w")
        return getattr(param, f"{short}_h"), getattr(param, f"{short}_w")

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_image(bottom)
        if len(bottom) > 1:
            self.prepare_places(bottom, top, self._size)
            return
        shape = bottom[0].shape
        top[0].reshape(*shape[:2], *self._size)
        sizes = []
        for count, stride, kernel, made in zip(
            shape[2:], self._stride, self._kernel, self._size, strict=True
        ):
            if (count - 1) * stride >= made:
                raise self.fail(
                    f"a top of {self._size[0]} x {self._size[1]} pixels is too small for a bottom "
                    f"of shape {shape} and stride {self._stride}"
                )
            sizes.append([min(kernel, made - i * stride) for i in range(count)])
        self._sizes = self.ops.asarray(
            [[rows * columns for columns in sizes[1]] for rows in sizes[0]]
        )
        self._work = self.ops.empty(shape)
        self._windows = (shape[2], shape[3])

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        x, y = bottom[0].data, top[0].data
        method = self.param.unpooling_param.unpool
        if len(bottom) > 1:
            self.place(x, bottom[1].data, y)
        elif method == self._methods.MAX:
            y[...] = 0
            self._corners(y)[...] = x
        elif method == self._methods.AVE:
            self.ops.ave_pool_grad(x, y, self._kernel, self._stride, (0, 0))
        else:
            self.xp.multiply(x, self._sizes, out=self._work)
            self.ops.ave_pool_grad(self._work, y, self._kernel, self._stride, (0, 0))

    def _corners(self, y: Array) -> Array:
        """The upper left pixels of all windows."""
        down, right = self._stride
        rows, columns = self._windows
        return y[:, :, : (rows - 1) * down + 1 : down, : (columns - 1) * right + 1 : right]

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        if not propagate_down[0]:
            return
        dy, dx = top[0].diff, bottom[0].diff
        method = self.param.unpooling_param.unpool
        if len(bottom) > 1:
            self.collect(dy, dx)
        elif method == self._methods.MAX:
            dx[...] = self._corners(dy)
        else:
            self.ops.ave_pool(dy, dx, self._kernel, self._stride, (0, 0))
            if method == self._methods.TILE:
                dx *= self._sizes
