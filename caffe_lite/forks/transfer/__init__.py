"""Transfer between domains: features that are alike, and gradients that are reversed."""

from caffe_lite.layers.layer_set import LayerSet

LAYERS = LayerSet("Transfer", __name__, "thuml/transfer-caffe and ddtm/caffe")
