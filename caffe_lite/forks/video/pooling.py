"""Pooling with one kernel size, stride and padding for each spatial axis."""

from caffe_lite.forks.video._spatial import SpatialPooling
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs, Shape

_LISTS = ("kernel_size", "stride", "pad")


@register("Pooling", when=[f"pooling_param.{name}__list" for name in _LISTS])
class PoolingPerAxis(SpatialPooling):
    """The largest value or the average of each window over all axes behind the channels.

    bottom[0]  x  (N, C, *S)
    top[0]     y  (N, C, *S')  S' = (S + 2 pad - kernel) / stride + 1, rounded up; a last window
                               that would begin in the far padding is dropped

    It is meant where `kernel_size`, `stride` or `pad` has several numbers, one for each axis; the
    others may have one for all.

    Differences from R-C3D: STOCHASTIC is refused.

    Source: VisionLearningGroup/R-C3D

    Example::

        layer { name: "pool" type: "Pooling" bottom: "data" top: "pool"
                pooling_param { pool: MAX kernel_size: [1, 2, 2] stride: [1, 2, 2] } }
    """

    reads = ("pooling_param",)
    extensions = tuple(f"pooling_param.{name}__list" for name in _LISTS)
    spatial = True

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.pooling_param
        self.note_hint(param, "engine")
        sides = [f"{name}_{side}" for name in ("kernel", "stride", "pad") for side in "hw"]
        for field in (*sides, "global_pooling"):
            if param.HasField(field):
                raise self.fail(f"takes no {field} beside kernel_size, stride or pad of each axis")
        self._method = param.pool
        axes = len(bottom[0].shape) - 2
        self._kernel, self._stride, self._pad = (self._read(name, axes) for name in _LISTS)
        self.check_windows()

    def _read(self, name: str, axes: int) -> Shape:
        param = self.param.pooling_param
        values = tuple(getattr(param, f"{name}__list"))
        if values and len(values) != axes:
            raise self.fail(
                f"{name} must be given once, or once per spatial axis ({axes}), got {len(values)} "
                "values"
            )
        return values or (getattr(param, name),) * axes
