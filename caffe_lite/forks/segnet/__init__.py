"""SegNet, ENet and DeconvNet: segmentation by an encoder and a decoder."""

from caffe_lite.layers.layer_set import LayerSet

LAYERS = LayerSet("SegNet, ENet, DeconvNet", __name__, "alexgkendall/caffe-segnet")
