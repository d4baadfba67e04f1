"""CTPN: text detection with a recurrent layer."""

from caffe_lite.layers.layer_set import LayerSet

LAYERS = LayerSet("CTPN", __name__, "tianzhi0549/CTPN")
