"""Nets of low precision: quantized activations and binary weights."""

from caffe_lite.layers.layer_set import LayerSet

LAYERS = LayerSet("Low precision", __name__, "zhaoweicai/hwgq")
