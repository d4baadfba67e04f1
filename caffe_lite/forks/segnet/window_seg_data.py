"""WindowSegData: parts of images and a label for each pixel, from lists read on the host."""

import numpy as np

from caffe_lite.errors import DataError
from caffe_lite.forks.deeplab.image_seg_data import ImageSegData
from caffe_lite.forks.label_maps.layer import resize_pair
from caffe_lite.forks.label_maps.listing import Entry
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Pair


@register("WindowSegData")
class WindowSegData(ImageSegData):
    """Windows of images and a label for each pixel, from a list of files, cyclically.

    As ImageSegData, with four more whole numbers in each line of the list: x1, y1, x2 and y2, the
    first and the last column and row of a window. What lies outside the image is black, with
    `ignore_label`. `new_height` and `new_width` are the size of all windows.

    top[0]  data   (batch_size, C, H, W)
    top[1]  label  (batch_size, 1, H, W)
    top[2]  size   (batch_size, 1, 1, 2)  optional: height and width of the image in its file, at
                                          most H and W

    Differences from HyeonwooNoh's layer: `shuffle` keeps a window with its image; there, both are
    shuffled apart.

    Source: HyeonwooNoh/caffe

    Example::

        layer { name: "data" type: "WindowSegData" top: "data" top: "label"
                image_data_param { source: "windowed.txt" batch_size: 2 label_type: PIXEL
                                   new_height: 12 new_width: 10 } }
    """

    window = ("number",) * 4

    def read(self, entry: Entry) -> tuple[Array, Array, Pair]:
        param = self.param.image_data_param
        image, labels = self.read_files(entry)
        size = image.shape[:2]
        left, top, right, bottom = entry[-4:]
        if left > right or top > bottom:
            raise DataError(f"{entry[0]}: the window {entry[-4:]} is empty; x1 <= x2, y1 <= y2")
        edges = (
            (max(0, -top), max(0, bottom - size[0] + 1)),
            (max(0, -left), max(0, right - size[1] + 1)),
            (0, 0),
        )
        rows = slice(top + edges[0][0], bottom + edges[0][0] + 1)
        columns = slice(left + edges[1][0], right + edges[1][0] + 1)
        image = np.pad(image, edges)[rows, columns]
        labels = np.pad(labels, edges, constant_values=param.ignore_label)[rows, columns]
        return *resize_pair(image, labels, param.new_height, param.new_width), size
