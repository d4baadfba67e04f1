"""cv2.dnn for Caffe nets: `import caffe_lite.dnn as dnn` in place of `cv2.dnn`.

Names, arguments and results are those of OpenCV 4; docs/from-opencv.md lists the differences. cv2
is not needed. `python -m caffe_lite.dnn script.py` runs a script that imports cv2 unchanged.
"""

from caffe_lite.dnn.boxes import NMSBoxes, NMSBoxesBatched, softNMSBoxes
from caffe_lite.dnn.constants import *  # noqa: F403
from caffe_lite.dnn.custom import registerLayer, unregisterLayer
from caffe_lite.dnn.errors import error
from caffe_lite.dnn.images import (
    Image2BlobParams,
    blobFromImage,
    blobFromImages,
    blobFromImagesWithParams,
    blobFromImageWithParams,
    imagesFromBlob,
)
from caffe_lite.dnn.layer import Layer
from caffe_lite.dnn.models import (
    ClassificationModel,
    DetectionModel,
    KeypointsModel,
    Model,
    SegmentationModel,
)
from caffe_lite.dnn.net import Net
from caffe_lite.dnn.read import getAvailableTargets, readNet, readNetFromCaffe

__all__ = [
    "ClassificationModel",
    "DetectionModel",
    "Image2BlobParams",
    "KeypointsModel",
    "Layer",
    "Model",
    "NMSBoxes",
    "NMSBoxesBatched",
    "Net",
    "SegmentationModel",
    "blobFromImage",
    "blobFromImageWithParams",
    "blobFromImages",
    "blobFromImagesWithParams",
    "error",
    "getAvailableTargets",
    "imagesFromBlob",
    "readNet",
    "readNetFromCaffe",
    "registerLayer",
    "softNMSBoxes",
    "unregisterLayer",
]
