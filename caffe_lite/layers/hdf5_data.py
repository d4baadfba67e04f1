"""HDF5Data: rows of HDF5 files."""

from collections.abc import Sequence

from caffe_lite.blob import Blob
from caffe_lite.data.batches import RowBatches
from caffe_lite.data.hdf5 import Hdf5Source
from caffe_lite.layers._data import DataLayer
from caffe_lite.layers.registry import register


@register("HDF5Data")
class HDF5Data(DataLayer):
    """Rows of the datasets named as the tops, from the HDF5 files that a text file lists.

    top[i]  (batch_size, *row)  rows of the dataset with the top's name, of any real type

    Files come in the listed order, round and round, and batches run on over their borders.
    `shuffle` reshuffles the files, and the rows within each, at every pass. All datasets of a file
    have equally many rows. Rows are not transformed.

    Differences from Caffe: one file at a time is read in the background; a listed file that is not
    there is looked for beside the list.

    Caffe: src/caffe/layers/hdf5_data_layer.cpp

    Example::

        layer { name: "data" type: "HDF5Data" top: "data" top: "label"
                hdf5_data_param { source: "train_files.txt" batch_size: 4 shuffle: true } }
    """

    tops = (1, None)

    def open(self, top: Sequence[Blob]) -> RowBatches:
        param = self.param.hdf5_data_param
        if self.param.HasField("transform_param"):
            raise self.fail("does not transform rows; drop transform_param")
        size = self.batch_size(param)
        source = Hdf5Source(param.source, self.param.top, self._generator, param.shuffle)
        return RowBatches(source, size)
