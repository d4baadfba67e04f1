"""ImageLabelmapData: images and maps of their edges, from a list of files, read on the host."""

import numpy as np

from caffe_lite.data.resize import resize
from caffe_lite.forks.label_maps.batches import PairBatches
from caffe_lite.forks.label_maps.layer import LabelMapLayer, read_pair
from caffe_lite.forks.label_maps.listing import Entry, PairList
from caffe_lite.forks.label_maps.transformer import PairTransformer
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs, Pair


@register("ImageLabelmapData")
class ImageLabelmapData(LabelMapLayer):
    """Images and edge maps from a list of files, one "image edges" a line, cyclically.

    top[0]  data   (batch_size, C, H, W)  B, G, R or, with is_color: false, grey; transformed by
                                          transform_param
    top[1]  label  (batch_size, 1, H, W)  1 where the edge map's grey level is 128 or more, else 0

    `new_height` and `new_width`, given together, resize both, bilinearly; else, with batch_size 1,
    images may differ in size. `crop_size` and `mirror` of transform_param treat both alike.
    `shuffle`, `rand_skip` and `root_folder` are those of ImageData.

    Source: s9xie/hed

    Example::

        layer { name: "data" type: "ImageLabelmapData" top: "data" top: "label"
                image_data_param { source: "pairs.txt" batch_size: 1 }
                transform_param { mean_value: 104 } }
    """

    reads = ("image_data_param", "transform_param", "data_param.prefetch")

    def open(self, top: Blobs) -> PairBatches:
        param = self.param.image_data_param
        self.check_size(param)
        self.refuse_moved(param)
        pairs = PairList(
            param.source,
            self._generator,
            ("path", "path"),
            (param.root_folder,) * 2,
            param.shuffle,
            param.rand_skip,
        )
        transformer = PairTransformer(
            self.param.transform_param, self.train, self._generator, self.crop(self.param)
        )
        return PairBatches(pairs, self._read, transformer, self.batch_size(param))

    def _read(self, entry: Entry) -> tuple[Array, Array, Pair]:
        param = self.param.image_data_param
        image, edges = read_pair(entry[0], entry[1], param.is_color)
        size = image.shape[:2]
        if param.new_height:
            image = resize(image, param.new_height, param.new_width)
            edges = resize(edges, param.new_height, param.new_width)
        return image, (edges >= 128).astype(np.uint8), size
