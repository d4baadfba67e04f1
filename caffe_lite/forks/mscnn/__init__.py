"""MS-CNN and Cascade R-CNN: detection on several feature maps, and in stages."""

from caffe_lite.layers.layer_set import LayerSet

LAYERS = LayerSet("MS-CNN", __name__, "zhaoweicai/mscnn and zhaoweicai/cascade-rcnn")
