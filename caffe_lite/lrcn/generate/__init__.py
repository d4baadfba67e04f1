"""LRCN's nets and solvers as prototxts, in the sizes and variants of the paper's ablations."""

from caffe_lite.lrcn.generate.activity import Activity, activity_files
from caffe_lite.lrcn.generate.captions import Captions, caption_files
from caffe_lite.lrcn.generate.description import description_files

__all__ = ["Activity", "Captions", "activity_files", "caption_files", "description_files"]
