"""Losses that are divided by a fixed number."""

from caffe_lite.layers._loss import NormalizedLossLayer
from caffe_lite.proto import schema
from caffe_lite.types import Array


class PreFixedNormalizer(NormalizedLossLayer):
    """Adds `normalization: PRE_FIXED`: the sum is divided by `pre_fixed_normalizer`, at least 1."""

    extensions = ("loss_param.pre_fixed_normalizer",)

    def normalizer(self, outer: int, inner: int, valid: Array | None) -> Array | float:
        if self._normalization == schema.LossParameter.PRE_FIXED:
            return float(max(1.0, self.param.loss_param.pre_fixed_normalizer))
        return super().normalizer(outer, inner, valid)
