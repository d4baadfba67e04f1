"""CTPN's batch normalization."""

from caffe_lite.export.onnx.builder import Tensor
from caffe_lite.export.onnx.channel_norm import channel_norm
from caffe_lite.export.onnx.registry import translates
from caffe_lite.export.onnx.site import Site
from caffe_lite.forks.ctpn.bn import BN


@translates(BN)
def bn(site: Site) -> list[Tensor]:
    return [channel_norm(site)[0]]
