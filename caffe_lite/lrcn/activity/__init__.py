"""Activity recognition: sliding clips, ten crops, averages over time, fusion of RGB and flow."""

from caffe_lite.lrcn.activity.classes import fuse, read_class_names
from caffe_lite.lrcn.activity.classifier import VideoClassifier, frames_input
from caffe_lite.lrcn.activity.clips import FolderFrames, clip_starts

__all__ = [
    "FolderFrames",
    "VideoClassifier",
    "clip_starts",
    "frames_input",
    "fuse",
    "read_class_names",
]
