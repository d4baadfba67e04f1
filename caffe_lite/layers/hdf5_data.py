"""HDF5Data: rows of HDF5 files."""

import re

from caffe_lite.data.batches import RowBatches
from caffe_lite.data.hdf5 import Hdf5Source
from caffe_lite.layers._data import DataLayer
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs, LayerParameter, NetParameter, Shape


@register("HDF5Data")
class HDF5Data(DataLayer):
    """Rows of the datasets named as the tops, from the HDF5 files that a text file lists.

    top[i]  (batch_size, *row)  rows of the dataset with the top's name, of any real type

    Files are read in the listed order, cyclically; a batch may span two files.
    `shuffle` reshuffles the files, and the rows within each, at every pass. All datasets of a file
    have equally many rows. Rows are not transformed. The arrays of a file may take 100 times the
    size of the file, or 32 MiB if that is more; what is compressed further is refused.

    Differences from Caffe: one file at a time is read in the background; a listed file that is not
    there is looked for beside the list.

    Caffe: src/caffe/layers/hdf5_data_layer.cpp

    Example::

        layer { name: "data" type: "HDF5Data" top: "data" top: "label"
                hdf5_data_param { source: "train_files.txt" batch_size: 4 shuffle: true } }
    """

    reads = ("hdf5_data_param", "data_param.prefetch")
    tops = (1, None)

    @classmethod
    def source_shape(cls, param: LayerParameter, top: int, net: NetParameter) -> Shape | None:
        """Labels are one number a row, as are LRCN's clip markers.

        Each row of LRCN's captions holds one word of every stream; there are as many streams as
        images in the layer beside it, or as the name of the list says.
        """
        name, own = param.top[top], param.hdf5_data_param
        if "label" in name or name == "clip_markers":
            return (own.batch_size,)
        if not name.endswith("_sentence"):
            return None
        images = [
            getattr(other, message).batch_size
            for other in net.layer
            for kind, message in (("ImageData", "image_data_param"), ("HDF5Data", cls.reads[0]))
            if other.type == kind and not any(top.endswith("_sentence") for top in other.top)
        ]
        folder = re.search(r"buffer_(\d+)", own.source)
        streams = images[0] if images else int(folder[1]) if folder else 1
        return (own.batch_size, streams)

    def open(self, top: Blobs) -> RowBatches:
        param = self.param.hdf5_data_param
        if self.param.HasField("transform_param"):
            raise self.fail("does not transform rows; drop transform_param")
        size = self.batch_size(param)
        source = Hdf5Source(param.source, self.param.top, self._generator, param.shuffle)
        return RowBatches(source, size)
