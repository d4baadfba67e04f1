"""Layers of small nets: MobileNet, ShuffleNet and SENet."""

from caffe_lite.layers.layer_set import LayerSet

LAYERS = LayerSet(
    "MobileNet, ShuffleNet, SENet", __name__, "chuanqi305/ssd, yonghenglh6/DepthwiseConvolution"
)
