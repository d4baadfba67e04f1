"""C3D's and video-caffe's layers: convolution and pooling over time, height and width."""

from caffe_lite.export.onnx.builder import Tensor
from caffe_lite.export.onnx.layers.convolutions import convolution
from caffe_lite.export.onnx.layers.pooling import Methods, average_pool, max_pool
from caffe_lite.export.onnx.registry import translates
from caffe_lite.export.onnx.site import Site
from caffe_lite.export.onnx.windows import Windows
from caffe_lite.forks.video.convolution3d import Convolution3D
from caffe_lite.forks.video.gather import Gather
from caffe_lite.forks.video.nd_convolution import NdConvolution
from caffe_lite.forks.video.nd_pooling import NdPooling
from caffe_lite.forks.video.pooling import PoolingPerAxis
from caffe_lite.forks.video.pooling3d import Pooling3D
from caffe_lite.types import Shape


@translates(Convolution3D, NdConvolution)
def nd_convolution(site: Site) -> list[Tensor]:
    """Their definitions have been spelled as Caffe's Convolution by now."""
    return convolution(site)


@translates(Gather)
def gather(site: Site) -> list[Tensor]:
    return list(site.x)


@translates(Pooling3D)
def pooling3d(site: Site) -> list[Tensor]:
    """A last window that begins in the far padding is kept."""
    layer = site.layer
    own = layer.param.HasField("pooling3d_param")
    param = layer.param.pooling3d_param if own else layer.param.pooling_param
    windows = Windows(
        (param.kernel_depth, param.kernel_size, param.kernel_size),
        (param.temporal_stride, param.stride, param.stride),
        (0, param.pad, param.pad),
        True,
        keep_last=True,
    )
    return _pooled(site, param.pool, windows)


@translates(NdPooling)
def nd_pooling(site: Site) -> list[Tensor]:
    param = site.layer.param.pooling_param
    if param.global_pooling:
        op = "GlobalMaxPool" if param.pool == Methods.MAX else "GlobalAveragePool"
        return [site.op(op, site.x[0])]
    kernel = tuple(param.kernel_shape.dim)
    stride = tuple(param.stride_shape.dim) or (1,) * len(kernel)
    pad = tuple(param.pad_shape.dim) or (0,) * len(kernel)
    return _pooled(site, param.pool, Windows(kernel, stride, pad, True))


@translates(PoolingPerAxis)
def pooling_per_axis(site: Site) -> list[Tensor]:
    param, axes = site.layer.param.pooling_param, len(site.shapes[0]) - 2

    def sizes(name: str) -> Shape:
        return tuple(getattr(param, f"{name}__list")) or (getattr(param, name),) * axes

    windows = Windows(sizes("kernel_size"), sizes("stride"), sizes("pad"), True)
    return _pooled(site, param.pool, windows)


def _pooled(site: Site, method: int, windows: Windows) -> list[Tensor]:
    gaps = [
        s > k and not p for k, s, p in zip(windows.kernel, windows.stride, windows.pad, strict=True)
    ]
    if any(gaps) and any(windows.pad):
        raise site.refuse("a stride beyond the kernel on one axis, beside padding on another")
    if method == Methods.MAX:
        return max_pool(site, site.x[0], windows, False)
    return [average_pool(site, site.x[0], windows)]
