"""`caffe.io`: images, preprocessing, and arrays in messages."""

from caffe_lite.pycaffe.images import flip_image, load_image, oversample, resize_image
from caffe_lite.pycaffe.messages import (
    array_to_blobproto,
    array_to_datum,
    arraylist_to_blobprotovector_str,
    blobproto_to_array,
    blobprotovector_str_to_arraylist,
    datum_to_array,
)
from caffe_lite.pycaffe.proto import caffe_pb2
from caffe_lite.pycaffe.transformer import Transformer

__all__ = [
    "Transformer",
    "array_to_blobproto",
    "array_to_datum",
    "arraylist_to_blobprotovector_str",
    "blobproto_to_array",
    "blobprotovector_str_to_arraylist",
    "caffe_pb2",
    "datum_to_array",
    "flip_image",
    "load_image",
    "oversample",
    "resize_image",
]
