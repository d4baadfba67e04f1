"""Trained weights: caffemodels of every dialect are read, copied into nets, and written."""

from typing import Any

from caffe_lite.proto.files import StrPath
from caffe_lite.weights.checksum import FileIdentity
from caffe_lite.weights.copy import copy_weights
from caffe_lite.weights.read import read_weights
from caffe_lite.weights.report import CopyReport
from caffe_lite.weights.stored import StoredBlob, Weights
from caffe_lite.weights.write import write_caffemodel

__all__ = [
    "CopyReport",
    "StoredBlob",
    "Weights",
    "copy_weights",
    "read_weights",
    "write_caffemodel",
    "write_hdf5",
]


def write_hdf5(net: Any, path: StrPath, diff: bool = False) -> FileIdentity:
    """See `caffe_lite.weights.hdf5.write_hdf5`, which is imported on first use."""
    from caffe_lite.weights import hdf5  # h5py takes longer to import than this package

    return hdf5.write_hdf5(net, path, diff)
