"""Conditional random fields over pixels: mean field inference as a layer."""

from caffe_lite.layers.layer_set import LayerSet

LAYERS = LayerSet("CRF", __name__, "torrvision/crfasrnn")
