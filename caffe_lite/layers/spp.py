"""Spatial pyramid pooling."""

from caffe_lite.blob import Blob
from caffe_lite.layers.base import Layer
from caffe_lite.layers.pooling import Pooling
from caffe_lite.layers.registry import register
from caffe_lite.proto import schema
from caffe_lite.types import AnyMessage, Array, Blobs, Flags, Shape, State

_MOST_LEVELS = 31  # beyond, a level has more bins than any image has pixels


@register("SPP")
class SPP(Layer):
    """Pooling into 1 x 1, 2 x 2, ... bins of the plane, side by side, for any plane size.

    Level l has 2^l x 2^l bins: kernel and stride ceil(H / 2^l), padded evenly to whole kernels.
    He et al., Spatial Pyramid Pooling in Deep Convolutional Networks, ECCV 2014.

    bottom[0]  x  (N, C, H, W)
    top[0]     y  (N, C * sum of 4^l)   l = 0 ... pyramid_height - 1; each level as (C, 2^l, 2^l)
                  (N, C, 1, 1) with pyramid_height: 1

    Backward: dx = the sum over the levels of what Pooling's backward makes of each part of dy. Kept
    from forward: what the Pooling of each level keeps.

    `pool` is as in Pooling; STOCHASTIC needs planes that every level divides evenly.

    Caffe: src/caffe/layers/spp_layer.cpp

    Example::

        layer { name: "spp" type: "SPP" bottom: "x" top: "y"
                spp_param { pyramid_height: 3 pool: MAX } }
    """

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.spp_param
        self.note_hint(param, "engine")
        if not 1 <= param.pyramid_height <= _MOST_LEVELS:
            raise self.fail(
                f"pyramid_height must be given, from 1 to {_MOST_LEVELS}, got "
                f"{param.pyramid_height}"
            )
        self._x = Blob(self.ops)  # the bottom's data, with a gradient for one level at a time
        self._levels: list[tuple[Pooling, Blob]] = []
        for level in range(param.pyramid_height):
            name = schema.LayerParameter(name=f"{self.name}, level {level}", type="Pooling")
            pooling = Pooling(name, self.ops, self.phase, self._seed_key[0])
            self._levels.append((pooling, Blob(self.ops)))

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        shape = bottom[0].shape
        if len(shape) != 4:
            raise self.fail(f"needs a bottom of 4 axes (N, C, H, W), got shape {shape}")
        self._x.reshape(*shape)
        for level, (pooling, y) in enumerate(self._levels):
            pooling.param.pooling_param.CopyFrom(self._pooling_param(level, shape))
            pooling.setup(bottom, [y])
            pooling.reshape(bottom, [y])
        if len(self._levels) == 1:
            top[0].reshape(*self._levels[0][1].shape)
        else:
            top[0].reshape(shape[0], sum(y.count for _, y in self._levels) // shape[0])

    def _pooling_param(self, level: int, shape: Shape) -> AnyMessage:
        bins, sizes = 2**level, shape[2:]
        kernel = [-(-size // bins) for size in sizes]
        pad = [(k * bins - size + 1) // 2 for k, size in zip(kernel, sizes, strict=True)]
        if any(p >= k for p, k in zip(pad, kernel, strict=True)):
            raise self.fail(
                f"level {level} of the pyramid cuts {sizes[0]} x {sizes[1]} into "
                f"{bins} x {bins} bins, of which some would be nothing but padding; lower "
                "pyramid_height or enlarge the bottom"
            )
        pool = self.param.spp_param.pool
        if pool == schema.SPPParameter.STOCHASTIC and any(pad):
            raise self.fail(
                f"STOCHASTIC takes no padding, which {bins} x {bins} bins of "
                f"{sizes[0]} x {sizes[1]} need; each side must be a multiple of {bins}"
            )
        pooling: AnyMessage = schema.PoolingParameter(
            pool=pool,
            kernel_h=kernel[0],
            kernel_w=kernel[1],
            stride_h=kernel[0],
            stride_w=kernel[1],
            pad_h=pad[0],
            pad_w=pad[1],
        )
        return pooling

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        for pooling, y in self._levels:
            pooling.forward(bottom, [y])
        for y, part in self._parts(top[0].data):
            part[...] = y.data.reshape(part.shape)

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        if not propagate_down[0]:
            return
        for y, part in self._parts(top[0].diff):
            y.diff[...] = part.reshape(y.shape)
        self._x.share_data(bottom[0])
        for level, (pooling, y) in enumerate(self._levels):
            target = self._x if level else bottom[0]
            pooling.backward([y], propagate_down, [target])
            if level:
                dx = bottom[0].diff
                dx += self._x.diff

    def _parts(self, array: Array) -> list[tuple[Blob, Array]]:
        """Each level's blob with its columns of the top."""
        rows, start, parts = array.reshape(len(array), -1), 0, []
        for _, y in self._levels:
            width = y.count // len(array)
            parts.append((y, rows[:, start : start + width]))
            start += width
        return parts

    def get_state(self) -> State:
        state = super().get_state()
        levels = [pooling.get_state() for pooling, _ in self._levels]
        return {**state, "levels": levels} if any(levels) else state

    def set_state(self, state: State) -> None:
        super().set_state(state)
        parts = state.get("levels") or [{} for _ in self._levels]
        for (pooling, _), part in zip(self._levels, parts, strict=True):
            pooling.set_state(part)
