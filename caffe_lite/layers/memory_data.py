"""MemoryData: arrays that the program gives."""

import os
from collections.abc import Sequence

from caffe_lite.data.memory import ArrayBatches
from caffe_lite.data.transformer import Transformer
from caffe_lite.errors import DataError
from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs, Flags, LayerParameter, NetParameter, Shape, State


@register("MemoryData")
class MemoryData(Layer):
    """Batches of arrays that the program gives, cyclically.

    top[0]  data   (batch_size, channels, height, width)
    top[1]  label  (batch_size,)

    `set_arrays` takes arrays as they are; `add_images` transforms images by transform_param first.
    How many there are must be a multiple of batch_size.

    Differences from Caffe: the label's top stays (batch_size,), where Caffe makes it
    (batch_size, 1, 1, 1) at the first forward.

    Caffe: src/caffe/layers/memory_data_layer.cpp

    Example::

        layer { name: "data" type: "MemoryData" top: "data" top: "label"
                memory_data_param { batch_size: 2 channels: 3 height: 8 width: 9 } }
    """

    reads = ("memory_data_param", "transform_param")
    extensions = ("transform_param.flow",)
    bottoms = (0, 0)
    tops = (2, 2)
    is_data = has_source = True

    @classmethod
    def source_exists(cls, param: LayerParameter) -> bool:
        """The program gives the arrays; a file of their mean may be missing."""
        mean = param.transform_param.mean_file
        return not mean or os.path.exists(mean)

    @classmethod
    def source_batch(cls, param: LayerParameter) -> int:
        return int(param.memory_data_param.batch_size)

    @classmethod
    def source_shape(cls, param: LayerParameter, top: int, net: NetParameter) -> Shape | None:
        own = param.memory_data_param
        item = () if top else (own.channels, own.height, own.width)
        return (own.batch_size, *item)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.memory_data_param
        self._item = (param.channels, param.height, param.width)
        if min(param.batch_size, *self._item) < 1:
            raise self.fail(
                "batch_size, channels, height and width must all be given and at least "
                f"1, got {(param.batch_size, *self._item)}"
            )
        self._batch_size = param.batch_size
        try:
            self._transformer = Transformer(self.param.transform_param, self.train, self.rng)
        except DataError as error:
            raise self.fail(str(error)) from error
        if self._transformer.force_color or self._transformer.force_gray:
            raise self.fail(
                "takes images as they are given; drop force_color and force_gray of transform_param"
            )
        self._batches: ArrayBatches | None = None
        self._shape(top)

    def _shape(self, top: Blobs) -> None:
        top[0].reshape(self._batch_size, *self._item)
        top[1].reshape(self._batch_size)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self._shape(top)

    def set_batch_size(self, size: int) -> None:
        """Take batches of another size from the next `set_arrays` or `add_images` on."""
        if size < 1:
            raise self.fail(f"batch_size must be at least 1, got {size}")
        self._batch_size, self._batches = size, None

    def set_arrays(self, data: Array, labels: Array) -> None:
        """Give data (n, channels, height, width) and n labels, n a multiple of batch_size.

        Arrays are read when their batch is due and may change until then.
        """
        try:
            self._batches = ArrayBatches(data, labels, self._item, self._batch_size)
        except DataError as error:
            raise self.fail(str(error)) from error

    def add_images(self, images: Sequence[Array], labels: Sequence[float]) -> None:
        """Give images (channels, height, width), uint8 or float, to be transformed now."""
        try:
            self._batches = ArrayBatches.of_images(
                images, labels, self._transformer, self._item, self._batch_size
            )
        except DataError as error:
            raise self.fail(str(error)) from error

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        if self._batches is None:
            raise self.fail(
                "has no data yet; call set_input_arrays (or the layer's set_arrays) before forward"
            )
        self._shape(top)
        for blob, part in zip(top, self._batches.next(self.ops.dtype), strict=True):
            self.ops.copy_to_device(part, blob.data)

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        """Nothing is below."""

    def get_state(self) -> State:
        position = self._batches.position if self._batches else 0
        return {**super().get_state(), "position": position}

    def set_state(self, state: State) -> None:
        super().set_state(state)
        if self._batches is not None:
            self._batches.position = state.get("position", 0) % len(self._batches.labels)
