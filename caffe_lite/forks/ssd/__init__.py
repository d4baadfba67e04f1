"""SSD: detection with prior boxes on several feature maps."""

from caffe_lite.layers.layer_set import LayerSet

LAYERS = LayerSet("SSD", __name__, "weiliu89/caffe, branch ssd")
