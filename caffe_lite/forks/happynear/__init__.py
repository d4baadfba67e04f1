"""happynear's Caffe: layers for faces, and fields of Caffe's layers."""

from caffe_lite.layers.layer_set import LayerSet

LAYERS = LayerSet("happynear", __name__, "happynear/caffe-windows")
