"""DummyData: tops filled by fillers."""

from typing import TypeVar

from caffe_lite.fillers import draw, fill
from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.proto import schema
from caffe_lite.types import Blobs, Flags, Shape

T = TypeVar("T")

LEGACY = ("num", "channels", "height", "width")


@register("DummyData")
class DummyData(Layer):
    """Tops filled by fillers: constants once, all others again in every forward.

    top[i]  any shape: `shape`, once or once per top, or the older num, channels, height and width

    `data_filler` is given once, once per top, or not at all (zeros).

    Caffe: src/caffe/layers/dummy_data_layer.cpp

    Example::

        layer { name: "data" type: "DummyData" top: "data" top: "label"
                dummy_data_param { shape { dim: 2 dim: 3 } shape { dim: 2 }
                                   data_filler { type: "gaussian" } data_filler { value: 1 } } }
    """

    bottoms = (0, 0)
    tops = (1, None)
    is_data = True

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.dummy_data_param
        fillers = list(param.data_filler) or [schema.FillerParameter()]
        self._fillers = self._per_top("data_filler", fillers, len(top))
        for blob, shape, filler in zip(top, self._shapes(len(top)), self._fillers, strict=True):
            blob.reshape(*shape)
            try:
                fill(blob, filler, lambda: self.rng)
            except ValueError as error:
                raise self.fail(f"top of shape {shape}: {error}") from error

    def _per_top(self, field: str, given: list[T], tops: int) -> list[T]:
        if len(given) not in (1, tops):
            raise self.fail(
                f"{field} must be given once, or once per top ({tops}), got {len(given)}"
            )
        return given * tops if len(given) == 1 else given

    def _shapes(self, tops: int) -> list[Shape]:
        param = self.param.dummy_data_param
        if not any(getattr(param, field) for field in LEGACY):
            return [tuple(shape.dim) for shape in self._per_top("shape", list(param.shape), tops)]
        if param.shape:
            raise self.fail("give shape, or the older num, channels, height and width, not both")
        columns = [self._per_top(field, list(getattr(param, field)), tops) for field in LEGACY]
        return list(zip(*columns, strict=True))

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        """Keep the shapes given at setup, or by the caller since."""

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        for blob, filler in zip(top, self._fillers, strict=True):
            if filler.type != "constant":
                blob.load(draw(blob.shape, filler, self.rng))

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        """Nothing is below."""
