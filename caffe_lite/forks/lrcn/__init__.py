"""LRCN's branches of Caffe: what they added to Caffe's layers for sequences of several streams."""

from caffe_lite.layers.layer_set import LayerSet

LAYERS = LayerSet("LRCN", __name__, "jeffdonahue/caffe, branch recurrent")
