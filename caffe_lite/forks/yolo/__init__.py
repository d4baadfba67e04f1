"""YOLO: detection on a grid of cells."""

from caffe_lite.layers.layer_set import LayerSet

LAYERS = LayerSet("YOLO", __name__, "eric612/MobileNet-YOLO")
