"""Layers of transfer learning."""

from caffe_lite.export.onnx.builder import Tensor
from caffe_lite.export.onnx.registry import translates
from caffe_lite.export.onnx.site import Site
from caffe_lite.forks.transfer.gradient_scaler import GradientScaler


@translates(GradientScaler)
def gradient_scaler(site: Site) -> list[Tensor]:
    """Only its gradient differs from its bottom's."""
    return [site.x[0]]
