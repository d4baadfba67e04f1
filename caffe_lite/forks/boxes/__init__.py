"""Boxes for detection: overlaps, codes, non-maximum suppression, matching, anchors, scores.

A box is (xmin, ymin, xmax, ymax) on the last axis of an array. Coordinates are fractions of the
image (SSD) or pixels (R-CNN). `extent` says how long a side is: xmax - xmin + extent, that is 0 for
continuous coordinates, and 1 where xmax and ymax are the last pixels inside.

Functions that take `xp` first run on the arrays of either device. `nms`, `matching` and
`average_precision` run on the host: their loops depend on what they find.
"""
