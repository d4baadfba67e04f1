"""DeepLab, PSPNet and ICNet: segmentation with dilated convolutions."""

from caffe_lite.layers.layer_set import LayerSet

LAYERS = LayerSet("DeepLab, PSPNet, ICNet", __name__, "hszhao/PSPNet, cdmh/deeplab-public-ver2")
