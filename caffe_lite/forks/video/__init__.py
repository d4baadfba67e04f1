"""Video: convolution and pooling over time as well, and data layers that read clips."""

from caffe_lite.layers.layer_set import LayerSet

LAYERS = LayerSet("Video", __name__, "facebook/C3D, chuckcho/video-caffe, yjxiong/caffe")
