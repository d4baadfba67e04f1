"""Pooling of the forks: over more axes, or without the padding."""

from caffe_lite.export.torch.layers.pooling import pair, pooling, windows
from caffe_lite.export.torch.registry import Code, Site, emits
from caffe_lite.forks.intel.pooling import Pooling as IntelPooling
from caffe_lite.forks.video.nd_pooling import NdPooling
from caffe_lite.forks.video.pooling import PoolingPerAxis
from caffe_lite.forks.video.pooling3d import Pooling3D
from caffe_lite.proto import schema
from caffe_lite.types import AnyMessage, Shape


@emits(IntelPooling)
def intel_pooling(site: Site) -> Code:
    param = site.param.pooling_param
    if param.pool != schema.PoolingParameter.AVE or param.avg_include_pad or param.global_pooling:
        return pooling(site)
    kernel, stride, pad = (pair(param, *names) for names in _SIZES)
    ceil = param.round_mode == schema.PoolingParameter.CEIL
    return windows(site, param.pool, kernel, stride, pad, ceil, include_pad=False)


_SIZES = (("kernel_size", "kernel"), ("stride", "stride"), ("pad", "pad"))


@emits(PoolingPerAxis)
def pooling_per_axis(site: Site) -> Code:
    param, axes = site.param.pooling_param, len(site.shape) - 2
    kernel, stride, pad = (_listed(param, name, axes) for name, _ in _SIZES)
    return windows(site, param.pool, kernel, stride, pad)


def _listed(param: AnyMessage, name: str, axes: int) -> Shape:
    return tuple(getattr(param, f"{name}__list")) or (getattr(param, name),) * axes


@emits(NdPooling)
def nd_pooling(site: Site) -> Code:
    param, axes = site.param.pooling_param, len(site.shape) - 2
    stride = tuple(param.stride_shape.dim) or (1,) * axes
    pad = tuple(param.pad_shape.dim) or (0,) * axes
    if not param.global_pooling:
        return windows(site, param.pool, tuple(param.kernel_shape.dim), stride, pad)
    if any(pad) or param.pool != schema.PoolingParameter.AVE:
        raise site.refuse("global_pooling has a translation for AVE without pad alone")
    return Code(f"{site.x[0]}.mean({tuple(range(2, axes + 2))}, keepdim=True)")


@emits(Pooling3D)
def pooling3d(site: Site) -> Code:
    """C3D keeps a last window that begins in the far padding, as PyTorch never does."""
    given = site.param.HasField("pooling3d_param")
    param = site.param.pooling3d_param if given else site.param.pooling_param
    if param.pad:
        raise site.refuse("windows that begin in the far padding have no translation")
    kernel = (param.kernel_depth, param.kernel_size, param.kernel_size)
    stride = (param.temporal_stride, param.stride, param.stride)
    return windows(site, param.pool, kernel, stride, (0, 0, 0))
