"""FlowNet: optical flow between two images."""

from caffe_lite.layers.layer_set import LayerSet

LAYERS = LayerSet("FlowNet", __name__, "lmb-freiburg/flownet2")
