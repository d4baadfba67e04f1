"""Tools to test a layer: run one by itself, and check its gradients by finite differences."""

from caffe_lite.testing.gradient_check import (
    GradientError,
    GradientResult,
    KinkError,
    check_gradients,
    check_layer,
)
from caffe_lite.testing.harness import LayerRun, make_layer

__all__ = [
    "GradientError",
    "GradientResult",
    "KinkError",
    "LayerRun",
    "check_gradients",
    "check_layer",
    "make_layer",
]
