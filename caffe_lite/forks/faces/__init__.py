"""Face recognition: losses and products that learn a metric."""

from caffe_lite.layers.layer_set import LayerSet

LAYERS = LayerSet(
    "Faces", __name__, "ydwen/caffe-face, wy1iu/sphereface and happynear/caffe-windows"
)
