"""HDF5Output: two blobs to a file."""

from caffe_lite.data.hdf5_writer import RowWriter
from caffe_lite.errors import DataError
from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs, Flags, LayerParameter


@register("HDF5Output")
class HDF5Output(Layer):
    """Writes its bottoms to the datasets "data" and "label" of an HDF5 file; the gradient is zero.

    bottom[0]  data   (N, ...)  up to 4 axes, written as (N, C, H, W)
    bottom[1]  label  (N, ...)  any shape

    The file `file_name` is made at the first forward; what was there is overwritten.

    Differences from Caffe: every forward appends its rows, where Caffe ends at the second one.

    Caffe: src/caffe/layers/hdf5_output_layer.cpp

    Example::

        layer { name: "out" type: "HDF5Output" bottom: "data" bottom: "label"
                hdf5_output_param { file_name: "rows.h5" } }
    """

    bottoms = (2, 2)
    tops = (0, 0)
    host_side = True

    @classmethod
    def overwrites(cls, param: LayerParameter) -> str:
        """The HDF5 file, made at the first forward."""
        return f'the file "{param.hdf5_output_param.file_name}"'

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self._writer: RowWriter | None = None
        if not self.param.hdf5_output_param.file_name:
            raise self.fail("needs hdf5_output_param { file_name }")

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        shapes = [blob.shape for blob in bottom]
        if any(not 1 <= len(shape) <= 4 for shape in shapes) or shapes[0][0] != shapes[1][0]:
            raise self.fail(
                f"needs bottoms of 1 to 4 axes with the same first dimension, got {shapes}"
            )

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        shapes = [blob.shape + (1,) * (4 - len(blob.shape)) for blob in bottom]
        data, label = (
            self.ops.to_host(blob.data).reshape(shape)
            for blob, shape in zip(bottom, shapes, strict=True)
        )
        try:
            if self._writer is None:
                self._writer = RowWriter(self.param.hdf5_output_param.file_name)
            self._writer.append(data=data, label=label)
        except DataError as error:
            raise self.fail(str(error)) from error

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        self._zero_gradient(propagate_down, bottom)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
