"""Text: recurrent layers over lines of text, and connectionist temporal classification."""

from caffe_lite.layers.layer_set import LayerSet

LAYERS = LayerSet("Text", __name__, "junhyukoh/caffe-lstm, xmfbit/warpctc-caffe, tianzhi0549/CTPN")
