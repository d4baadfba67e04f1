"""What data layers share: batches made ahead in a background thread, errors, resuming."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from caffe_lite.data.batches import Batches, BatchReader
from caffe_lite.data.transformer import Transformer
from caffe_lite.errors import DataError
from caffe_lite.layers.base import Layer
from caffe_lite.types import AnyMessage, Blobs, Flags, LayerParameter, NetParameter, Shape, State

# Fields that Caffe moved to transform_param; a net that is loaded is upgraded first.
_MOVED = ("scale", "mean_file", "crop_size", "mirror")


class DataLayer(Layer):
    """Base of layers that read a source: subclasses say in `open` what their batches are.

    `data_param.prefetch` is how many batches are made ahead (4). The thread starts with the first
    forward and ends with `close`; forward raises its errors when it takes the batch.
    """

    bottoms = (0, 0)
    is_data = has_source = True

    @classmethod
    def own_message(cls, param: LayerParameter) -> AnyMessage:
        """The layer's own message, which has `source` and `batch_size`."""
        return getattr(param, cls.reads[0]) if cls.reads else param

    @classmethod
    def source_batch(cls, param: LayerParameter) -> int:
        return int(cls.own_message(param).batch_size)

    @classmethod
    def source_exists(cls, param: LayerParameter) -> bool:
        return os.path.exists(cls.own_message(param).source)

    def open(self, top: Blobs) -> Batches:
        """Open the source; its first batch's shapes become those of the tops."""
        raise NotImplementedError

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self._generator = self.ops.host_rng(*self._seed_key)
        with self.named_errors():
            depth = self.param.data_param.prefetch
            self._reader = BatchReader(self.open(top), self.ops.dtype, self.ops.host_memory, depth)
        for blob, shape in zip(top, self._reader.shapes, strict=True):
            blob.reshape(*shape)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        """The batches decide the shapes."""

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        with self.named_errors():
            batch = self._reader.get()
        for blob, array in zip(top, batch, strict=True):
            blob.reshape(*array.shape)
            self.ops.copy_to_device(array, blob.data)

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        """Data layers have no bottoms."""

    @contextmanager
    def named_errors(self) -> Iterator[None]:
        """Prefix errors of the data with the layer's name."""
        try:
            yield
        except DataError as error:
            raise DataError(str(self.fail(str(error)))) from error

    def batch_size(self, param: AnyMessage) -> int:
        if param.batch_size < 1:
            raise self.fail(f"batch_size must be at least 1, got {param.batch_size}")
        return int(param.batch_size)

    def refuse_moved(self, param: AnyMessage) -> None:
        """Fail if the layer's own message has a field that belongs in transform_param."""
        for field in _MOVED:
            if param.HasField(field):
                raise self.fail(
                    f"{field} belongs in transform_param; `caffe_lite upgrade net` moves it there"
                )

    def transformer(self, param: AnyMessage) -> Transformer:
        """The transformer of transform_param; `param` is the layer's own message."""
        self.refuse_moved(param)
        return Transformer(self.param.transform_param, self.train, self._generator)

    def get_state(self) -> State:
        return {**super().get_state(), "source": self._reader.get_state()}

    def set_state(self, state: State) -> None:
        super().set_state(state)
        if "source" in state:
            with self.named_errors():
                self._reader.set_state(state["source"])

    def close(self) -> None:
        if hasattr(self, "_reader"):
            self._reader.close()


class ImageDataLayer(DataLayer):
    """Base of layers whose first top holds images and whose second holds a label for each."""

    reads_images = True

    @classmethod
    def source_shape(cls, param: LayerParameter, top: int, net: NetParameter) -> Shape | None:
        """Labels are one number an item; images have the size of the crop, if there is one."""
        own = cls.own_message(param)
        if top > 0:
            return (own.batch_size,)
        height, width = cls.image_size(param)
        grey = param.transform_param.force_gray or not getattr(own, "is_color", True)
        return (own.batch_size, 1 if grey else 3, height, width) if height and width else None

    @classmethod
    def image_size(cls, param: LayerParameter) -> tuple[int, int]:
        """Height and width of the images as the definition gives them, else zeros."""
        return param.transform_param.crop_size, param.transform_param.crop_size
