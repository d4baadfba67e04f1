"""NVIDIA's batch normalization."""

from caffe_lite.export.onnx.builder import Tensor
from caffe_lite.export.onnx.channel_norm import channel_norm
from caffe_lite.export.onnx.registry import translates
from caffe_lite.export.onnx.site import Site
from caffe_lite.forks.nvidia.batch_norm import BatchNorm


@translates(BatchNorm)
def batch_norm(site: Site) -> list[Tensor]:
    return [channel_norm(site)[0]]
