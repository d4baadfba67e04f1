"""The R-CNN family: detection in regions of interest."""

from caffe_lite.layers.layer_set import LayerSet

LAYERS = LayerSet(
    "R-CNN", __name__, "rbgirshick/caffe-fast-rcnn, daijifeng001/caffe-rfcn and others"
)
