"""Intel's Caffe: layers to which it added fields."""

from caffe_lite.layers.layer_set import LayerSet

LAYERS = LayerSet("Intel", __name__, "intel/caffe")
