"""Data: images of an LMDB or LevelDB."""

from typing import ClassVar

from caffe_lite.data.batches import DatumBatches
from caffe_lite.data.sources import open_source
from caffe_lite.layers._data import ImageDataLayer
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs


@register("Data")
class Data(ImageDataLayer):
    """Images and labels of a database of datums, in key order, cyclically.

    top[0]  data   (batch_size, C, H, W)  transformed by transform_param
    top[1]  label  (batch_size,)          optional

    `backend` is LEVELDB or LMDB. With `rand_skip` a random number of records, below it, is skipped
    at first. Encoded datums (JPEG, PNG) are decoded, to B, G, R with `force_encoded_color` or
    `transform_param.force_color`. With batch_size 1 images may differ in size. The order is the
    database's: shuffle when it is made.

    Differences from Caffe: 1.0 ignores `rand_skip` and `force_encoded_color`; earlier versions
    honour them as here.

    Caffe: src/caffe/layers/data_layer.cpp, base_data_layer.cpp

    Example::

        layer { name: "data" type: "Data" top: "data" top: "label" transform_param { scale: 0.0625 }
                data_param { source: "train_lmdb" backend: LMDB batch_size: 4 } }
    """

    reads = ("data_param", "transform_param")
    extensions: ClassVar[tuple[str, ...]] = ("transform_param.flow",)
    tops = (1, 2)

    def open(self, top: Blobs) -> DatumBatches:
        param = self.param.data_param
        size = self.batch_size(param)
        transformer = self.transformer(param)
        transformer.force_color |= param.force_encoded_color
        skip = int(self._generator.integers(param.rand_skip)) if param.rand_skip else 0
        source = open_source(param.source, param.backend)
        return DatumBatches(source, transformer, size, len(top) > 1, skip)
