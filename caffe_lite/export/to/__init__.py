"""The formats of `caffe_lite export --to`: a module for each, found by its name.

`caffe_lite/export/formats.py` says what a module defines.
"""
