"""MMDLoss: how unlike the features of two domains are distributed."""

from caffe_lite.layers._loss import LossLayer
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs, Flags, State


@register("MMDLoss")
class MMDLoss(LossLayer):
    """Maximum mean discrepancy with several Gaussian kernels, by pairs that are drawn.

        loss = mean over draws of k(s1, s2) + k(t1, t2) - k(s1, t2) - k(s2, t1)
        k(a, b) = sum over i < kernel_num of exp(-gamma kernel_mul^(i - kernel_num / 2) |a - b|^2)

    Each draw takes two items s of the source and two items t of the target; there are as many draws
    as the larger of both has items. gamma is 1 over the mean squared distance of all items of both,
    that of the first batch with `fix_gamma`. kernel_num / 2 is rounded down. Long et al., Learning
    Transferable Features with Deep Adaptation Networks, ICML 2015.

    bottom[0]  source  (N, ...)
    bottom[1]  target  (M, ...)  of as many numbers an item
    top[0]     loss    ()

    gamma takes no gradient.

    Differences from transfer-caffe: the top is the mean, of which its gradient is, where it shows
    the sum; the backward pass has the draws of the forward pass, there others. With one item in a
    bottom, it makes pairs with itself; there the gradient is 0.

    Source: thuml/transfer-caffe

    Example::

        layer { name: "mmd" type: "MMDLoss" bottom: "source" bottom: "target" top: "mmd"
                mmd_param { kernel_num: 5 kernel_mul: 2 } }
    """

    no_gradient = ()
    reads = ("mmd_param",)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.mmd_param
        if not param.kernel_num or not param.kernel_mul > 0:
            raise self.fail(
                "kernel_num must be at least 1 and kernel_mul positive, got "
                f"{param.kernel_num} and {param.kernel_mul:g}"
            )
        half = param.kernel_num // 2
        self._factors = [param.kernel_mul ** (i - half) for i in range(param.kernel_num)]
        self._gamma: float | None = None
        self._generator = self.rng  # made now, so that get_state has it from the start

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        shapes = [blob.shape for blob in bottom]
        sizes = [blob.count // blob.shape[0] if blob.shape else 0 for blob in bottom]
        if sizes[0] != sizes[1] or not sizes[0]:
            raise self.fail(
                f"source and target must have items of the same size, got shapes {shapes[0]} and "
                f"{shapes[1]}"
            )
        top[0].reshape()
        self._size = sizes[0]

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        xp = self.xp
        both = [blob.data.reshape(-1, self._size) for blob in bottom]
        if self._gamma is None or not self.param.mmd_param.fix_gamma:
            self._gamma = self._bandwidth(xp.concatenate(both))
        draws = max(len(items) for items in both)
        (s1, s2), (t1, t2) = (self._draw(len(items), draws) for items in both)
        self._pairs = [(0, s1, 0, s2, 1), (1, t1, 1, t2, 1), (0, s1, 1, t2, -1), (0, s2, 1, t1, -1)]
        loss, self._slopes = 0.0, []
        for a, first, b, second, sign in self._pairs:
            squares = ((both[a][first] - both[b][second]) ** 2).sum(axis=1)
            kernels = [xp.exp(-self._gamma * f * squares) for f in self._factors]
            loss = loss + sign * sum(kernels).sum() / draws
            slope = sum(f * k for f, k in zip(self._factors, kernels, strict=True))
            self._slopes.append(slope * (-2 * sign * self._gamma / draws))
        top[0].data[...] = loss

    def _bandwidth(self, items: Array) -> float:
        """1 over the mean squared distance of different items; 1 if all are equal."""
        count = len(items)
        center = items - items.mean(axis=0)
        total = 2 * count * float((center * center).sum())  # of all ordered pairs
        return (count * count - count) / total if total > 0 else 1.0

    def _draw(self, count: int, draws: int) -> tuple[Array, Array]:
        """Two different items for each draw."""
        first, second = self._generator.integers(count, size=(2, draws))
        second = (second + (first == second)) % count
        return self.xp.asarray(first), self.xp.asarray(second)

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        data = [blob.data.reshape(-1, self._size) for blob in bottom]
        diffs = [
            blob.diff.reshape(-1, self._size) if flag else None
            for blob, flag in zip(bottom, propagate_down, strict=True)
        ]
        for diff in diffs:
            if diff is not None:
                diff[...] = 0
        for (a, first, b, second, _), slope in zip(self._pairs, self._slopes, strict=True):
            step = (data[a][first] - data[b][second]) * (slope * top[0].diff)[:, None]
            for which, index, sign in ((a, first, 1), (b, second, -1)):
                target = diffs[which]
                if target is not None:
                    self.ops.scatter_add(target, index.astype("int32"), sign * step)

    def get_state(self) -> State:
        return {**super().get_state(), "gamma": self._gamma}

    def set_state(self, state: State) -> None:
        super().set_state(state)
        self._gamma = state["gamma"]
