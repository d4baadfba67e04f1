"""Intel's batch normalization with a rectifier, and averages that leave padding out."""

from caffe_lite.export.onnx.builder import Tensor
from caffe_lite.export.onnx.channel_norm import channel_norm
from caffe_lite.export.onnx.layers.pooling import Methods, pooling, read_windows
from caffe_lite.export.onnx.registry import translates
from caffe_lite.export.onnx.site import Site
from caffe_lite.forks.intel.batch_norm import BatchNorm
from caffe_lite.forks.intel.pooling import Pooling


@translates(BatchNorm)
def batch_norm(site: Site) -> list[Tensor]:
    y = channel_norm(site)[0]
    return [site.op("Relu", y) if site.layer.param.batch_norm_param.relu else y]


@translates(Pooling)
def pooling_without_padding(site: Site) -> list[Tensor]:
    """ONNX counts the pixels of the image in a window, if asked to leave the padding out."""
    param = site.layer.param.pooling_param
    if param.pool != Methods.AVE or param.avg_include_pad or param.global_pooling:
        return pooling(site)
    windows = read_windows(param)
    if not any(windows.pad):
        return pooling(site)
    return [
        site.op("AveragePool", site.x[0], **windows.attributes(padded=True), count_include_pad=0)
    ]
