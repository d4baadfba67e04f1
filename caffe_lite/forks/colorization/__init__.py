"""Colorization: images in other colour spaces."""

from caffe_lite.layers.layer_set import LayerSet

LAYERS = LayerSet("Colorization", __name__, "richzhang/colorization")
