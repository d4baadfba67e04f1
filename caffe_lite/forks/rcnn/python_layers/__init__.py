"""Faster R-CNN's Python layers, under the module names that its nets have in `python_param`.

They take the place of py-faster-rcnn's own modules where the user has none. They run on the host.
"""
