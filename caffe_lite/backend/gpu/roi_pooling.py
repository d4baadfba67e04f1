"""Max pooling of regions of interest on the GPU."""

from caffe_lite.backend.gpu.base import GpuBase
from caffe_lite.types import Array


class GpuRoiPooling(GpuBase):
    """Pooling of regions of x (N, C, H, W) into y (R, C, OH, OW); rois (R, 5): image, x1 ... y2."""

    def roi_pool(self, x: Array, rois: Array, y: Array, mask: Array, scale: float) -> None:
        """y = the largest pixel in each window; mask (int32, as y) = h * W + w of the first."""
        self.launch("roi_pool", y.size, y.size, x, rois, y, mask, scale, *x.shape, *y.shape[2:])

    def roi_pool_grad(self, dy: Array, rois: Array, mask: Array, dx: Array) -> None:
        """dx (overwritten): each dy is added to the pixel in its mask, unless that is -1."""
        dx.fill(0)
        channels, outputs = dy.shape[1], dy.shape[2] * dy.shape[3]
        pixels = dx.shape[2] * dx.shape[3]
        self.launch(
            "roi_pool_grad", dy.size, dy.size, dy, rois, mask, dx, channels, outputs, pixels
        )
