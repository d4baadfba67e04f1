"""HED: edge detection with losses at several depths."""

from caffe_lite.layers.layer_set import LayerSet

LAYERS = LayerSet("HED", __name__, "s9xie/hed")
