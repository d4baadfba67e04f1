"""Pooling on the GPU."""

from caffe_lite.backend.gpu.base import GpuBase
from caffe_lite.backend.gpu.constants import POOL_ROWS
from caffe_lite.types import Array, Pair


class GpuPooling(GpuBase):
    """Pooling of x (N, C, H, W) into y (N, C, OH, OW); kernel, stride and pad are (h, w)."""

    def max_pool(
        self, x: Array, y: Array, mask: Array | None, kernel: Pair, stride: Pair, pad: Pair
    ) -> None:
        """y = the largest pixel in each window; mask (int32 or None) = h * W + w of the first."""
        self.launch(
            "max_pool",
            y.size,
            y.size,
            x,
            y,
            mask,
            *x.shape[2:],
            *y.shape[2:],
            *kernel,
            *stride,
            *pad,
        )

    def max_pool_grad(
        self, dy: Array, mask: Array, dx: Array, kernel: Pair, stride: Pair, pad: Pair
    ) -> None:
        """dx (overwritten): each dy is added to the pixel in its mask, unless that is -1."""
        images, channels, height, width = dx.shape
        threads = images * channels * -(-height // POOL_ROWS) * width
        sizes = (height, width, *dy.shape[2:], *kernel, *stride, *pad)
        self.launch("max_pool_grad", threads, threads, dy, mask, dx, *sizes)

    def ave_pool(self, x: Array, y: Array, kernel: Pair, stride: Pair, pad: Pair) -> None:
        """y = the window's sum over the image, divided by the window's size clipped at H + pad."""
        self.launch(
            "ave_pool", y.size, y.size, x, y, *x.shape[2:], *y.shape[2:], *kernel, *stride, *pad
        )

    def ave_pool_grad(self, dy: Array, dx: Array, kernel: Pair, stride: Pair, pad: Pair) -> None:
        """dx (overwritten): each dy, divided as in `ave_pool`, is added to its window's pixels."""
        sizes = (*dx.shape[2:], *dy.shape[2:])
        self.launch("ave_pool_grad", dx.size, dx.size, dy, dx, *sizes, *kernel, *stride, *pad)

    def stochastic_pool(
        self, x: Array, y: Array, mask: Array, uniform: Array, kernel: Pair, stride: Pair
    ) -> None:
        """y = a pixel of each window, drawn by `uniform` with probability x / sum of x."""
        sizes = (*x.shape[2:], *y.shape[2:])
        self.launch(
            "stochastic_pool", y.size, y.size, x, y, mask, uniform, *sizes, *kernel, *stride
        )

    def stochastic_pool_test(self, x: Array, y: Array, kernel: Pair, stride: Pair) -> None:
        """y = sum of x^2 / sum of x over each window; 0 unless the sum is > 0."""
        sizes = (*x.shape[2:], *y.shape[2:])
        self.launch("stochastic_pool_test", y.size, y.size, x, y, *sizes, *kernel, *stride)
