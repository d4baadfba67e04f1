"""Pooling: the largest, the average or a randomly drawn pixel of each window."""

from caffe_lite.backend.operations import Operation, Pool
from caffe_lite.layers._conv import misfit
from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.proto import schema
from caffe_lite.types import AnyMessage, Blobs, Flags, Pair

Methods = schema.PoolingParameter


@register("Pooling")
class Pooling(Layer):
    """One value per window of each channel: its maximum, its average or a pixel drawn from it.

        MAX         the largest pixel; the first one where several are equal
        AVE         sum over the image / size of the window, which padding is part of
        STOCHASTIC  TRAIN: pixel x with probability x / sum of x; TEST: sum of x^2 / sum of x;
                    for x >= 0 and without padding

    bottom[0]  x     (N, C, H, W)
    top[0]     y     (N, C, H', W')  H' = (H + 2 pad - kernel) / stride + 1, rounded up, or down
                                     with round_mode: FLOOR; a last window that would begin in
                                     the far padding is dropped
    top[1]     mask  (N, C, H', W')  only with MAX, optional: h * W + w of each maximum; no gradient

    Backward: MAX and STOCHASTIC add each dy to the pixel that was taken; AVE adds dy / size of the
    window to each of its pixels. Kept from forward: for MAX and STOCHASTIC which pixel was taken.

    `global_pooling` takes the whole image as one window. `engine` is a hint without effect.

    Differences from Caffe: STOCHASTIC runs on the CPU as well, and refuses a backward pass in the
    TEST phase, where Caffe's GPU code reads what the last TRAIN phase left. A window without a
    pixel, which a stride beyond the kernel can leave at the end, is 0 under AVE and passes no
    gradient on under MAX; Caffe gives NaN, and writes outside the blob.

    Caffe: src/caffe/layers/pooling_layer.cpp

    Example::

        layer { name: "pool" type: "Pooling" bottom: "data" top: "pool"
                pooling_param { pool: MAX kernel_size: 3 stride: 2 } }
    """

    spatial = True
    tops = (1, 2)
    tops_without_gradient = (1,)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.pooling_param
        self.note_hint(param, "engine")
        self._method = param.pool
        self._draws = self._method == Methods.STOCHASTIC and self.train
        if self._draws:
            self._noise = self.stream  # made now, so that get_state has it from the start
        if len(top) > 1 and self._method != Methods.MAX:
            raise self.fail("a second top (the mask) needs MAX pooling")
        self._pad = self._pair(param, "pad", "pad")
        self._stride = self._pair(param, "stride", "stride")
        if min(self._stride) < 1:
            raise self.fail(f"stride must be at least 1, got {self._stride}")
        if param.global_pooling:
            if any(param.HasField(f) for f in ("kernel_size", "kernel_h", "kernel_w")):
                raise self.fail(
                    "global_pooling takes the whole image: drop kernel_size, kernel_h and kernel_w"
                )
            if self._pad != (0, 0) or self._stride != (1, 1):
                raise self.fail(
                    "global_pooling needs pad 0 and stride 1, got pad "
                    f"{self._pad} and stride {self._stride}"
                )
            return
        self._kernel = self._given_kernel(param)
        if self._pad != (0, 0) and self._method == Methods.STOCHASTIC:
            raise self.fail(f"STOCHASTIC pooling takes no padding, got pad {self._pad}")
        if any(p >= k for p, k in zip(self._pad, self._kernel, strict=True)):
            raise self.fail(f"pad must be smaller than the kernel {self._kernel}, got {self._pad}")

    def _pair(self, param: AnyMessage, field: str, short: str) -> Pair:
        given = [param.HasField(f"{short}_{side}") for side in "hw"]
        if not any(given):
            return (getattr(param, field),) * 2
        if not all(given) or param.HasField(field):
            raise self.fail(f"give {field}, or both {short}_h and {short}_w")
        return getattr(param, f"{short}_h"), getattr(param, f"{short}_w")

    def _given_kernel(self, param: AnyMessage) -> Pair:
        if not param.HasField("kernel_size") and not param.HasField("kernel_h"):
            raise self.fail("give kernel_size, or both kernel_h and kernel_w, or global_pooling")
        kernel = self._pair(param, "kernel_size", "kernel")
        if min(kernel) < 1:
            raise self.fail(f"the kernel must be at least 1, got {kernel}")
        return kernel

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        shape = bottom[0].shape
        if len(shape) != 4:
            raise self.fail(f"needs a bottom of 4 axes (N, C, H, W), got shape {shape}")
        if self.param.pooling_param.global_pooling:
            self._kernel = (shape[2], shape[3])
        made = tuple(self._output(shape[2 + i], i) for i in (0, 1))
        if min(made) < 1:
            raise self.fail(
                f"the output would be {made[0]} x {made[1]}: "
                f"{misfit(self._kernel, shape[2:], self._pad)}"
            )
        # A window need not begin farther out than just beyond the image: there it is empty.
        down, right = (
            min(stride, size + pad)
            for stride, size, pad in zip(self._stride, shape[2:], self._pad, strict=True)
        )
        self._step = down, right
        for blob in top:
            blob.reshape(*shape[:2], *made)
        if self._method != Methods.AVE:
            self._mask = self.ops.empty(top[0].shape, "int32")
        if self._draws:
            self._uniform = self.ops.empty(top[0].shape)

    def _output(self, size: int, axis: int) -> int:
        kernel, stride, pad = self._kernel[axis], self._stride[axis], self._pad[axis]
        room = size + 2 * pad - kernel
        if self.param.pooling_param.round_mode == Methods.CEIL:
            room += stride - 1
        made = room // stride + 1
        if any(self._pad) and (made - 1) * stride >= size + pad:
            made -= 1
        return made

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        x, y = bottom[0].data, top[0].data
        if self._method == Methods.MAX:
            self.ops.max_pool(x, y, self._mask, self._kernel, self._step, self._pad)
            if len(top) > 1:
                top[1].data[...] = self._mask
        elif self._method == Methods.AVE:
            self.ops.ave_pool(x, y, self._kernel, self._step, self._pad)
        elif self._draws:
            self._noise.uniform(self._uniform)
            self.ops.stochastic_pool(x, y, self._mask, self._uniform, self._kernel, self._step)
        else:
            self.ops.stochastic_pool_test(x, y, self._kernel, self._step)

    def operation(self, bottom: Blobs, top: Blobs) -> Operation | None:
        kinds = {Methods.MAX: "max", Methods.AVE: "average"}
        if self._method not in kinds or len(top) > 1:
            return None
        return Pool(kinds[self._method], self._kernel, self._step, self._pad)

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        if not propagate_down[0]:
            return
        dy, dx = top[0].diff, bottom[0].diff
        if self._method == Methods.AVE:
            self.ops.ave_pool_grad(dy, dx, self._kernel, self._step, self._pad)
        elif self._method == Methods.MAX or self._draws:
            self.ops.max_pool_grad(dy, self._mask, dx, self._kernel, self._step, self._pad)
        else:
            raise self.fail("STOCHASTIC pooling has no backward pass in the TEST phase")
