"""Translators of the layers of Caffe 1.0, in groups."""
