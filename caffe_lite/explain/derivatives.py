"""The derivative of a net's objective with respect to any number in it, by finite differences."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from caffe_lite.nets.net import Net
from caffe_lite.types import Array, State

STEP = 1e-5  # relative to the number, or to 1 if that is more; float64 leaves about ten digits


class Derivatives:
    """Derivatives at the point of one forward pass, layer by layer.

    Call `before_forward(i)` ahead of each layer, then `write_output_diffs`. The data of blobs that
    later layers overwrite are restored for each evaluation, and so are random streams and carried
    states, so that each evaluates the same function.
    """

    def __init__(self, net: Net, seed: int) -> None:
        self.net = net
        rng = np.random.default_rng(seed)
        self._weights = {}
        if not any(net.blob_loss_weights.values()):
            self._weights = {name: rng.normal(size=net.blobs[name].shape) for name in net.outputs}
        self._data: list[list[Array]] = []
        self._states: list[dict[str, State]] = []

    def before_forward(self, i: int) -> None:
        """Keep what layer `i` starts from."""
        self._data.append([blob.data.copy() for blob in self.net.blob_list])
        self._states.append(self.net.get_state())

    def objective(self) -> float:
        """The net's loss, or the weighted sum of its outputs, from the data as they are."""
        if not self._weights:
            return float(self.net.loss())
        return float(sum((self.net.blobs[o].data * w).sum() for o, w in self._weights.items()))

    def write_output_diffs(self) -> None:
        """Write the diffs that backward starts from, where the net has no loss."""
        for name, weights in self._weights.items():
            self.net.blobs[name].diff[...] = weights

    def of_bottom(self, i: int, k: int) -> Array:
        """With respect to bottom `k` of layer `i`, through that layer alone."""
        blob = self.net.bottom_vecs[i][k]
        in_place = any(top.buffer_ids[0] == blob.buffer_ids[0] for top in self.net.top_vecs[i])

        def evaluate(index: tuple[int, ...], value: float) -> float:
            self._restore(i)
            kept = blob.data[index]
            blob.data[index] = value
            self.net.forward(i, i)
            if not in_place:  # other layers read the blob, or its memory, as it was
                blob.data[index] = kept
            self.net.forward(i + 1)
            return self.objective()

        point = self._data[i][self.net.blob_list.index(blob)]
        return self._all(point, evaluate)

    def is_complete(self, i: int, k: int) -> bool:
        """Whether no earlier layer adds to the diff of learned blob `k` of layer `i`."""
        return self._first_user(i, k) == i

    def _first_user(self, i: int, k: int) -> int:
        memory = self.net.layers[i].blobs[k].buffer_ids[0]
        return next(
            n
            for n, layer in enumerate(self.net.layers)
            if any(blob.buffer_ids[0] == memory for blob in layer.blobs)
        )

    def of_param(self, i: int, k: int) -> Array:
        """With respect to learned blob `k` of layer `i`, in all layers that share it."""
        blob, first = self.net.layers[i].blobs[k], self._first_user(i, k)

        def evaluate(index: tuple[int, ...], value: float) -> float:
            self._restore(first)
            kept = blob.data[index]
            blob.data[index] = value
            self.net.forward(first)
            blob.data[index] = kept
            return self.objective()

        return self._all(blob.data.copy(), evaluate)

    def _restore(self, i: int) -> None:
        for blob, kept in zip(self.net.blob_list, self._data[i], strict=True):
            blob.data[...] = kept
        self.net.set_state(self._states[i])

    def _all(self, point: Array, evaluate: Callable[[tuple[int, ...], float], float]) -> Array:
        """Central differences at every number of `point`. The net is as before at the end."""
        found = np.empty(point.shape)
        # BatchNorm's moving averages change with every forward.
        learned = [(blob, blob.data.copy()) for blob in self.net.learnable_params]
        for index in np.ndindex(point.shape):
            value = float(point[index])
            step = STEP * max(1.0, abs(value))
            ahead, behind = evaluate(index, value + step), evaluate(index, value - step)
            found[index] = (ahead - behind) / (2 * step)
        self._restore(0)
        self.net.forward()
        for blob, kept in learned:
            blob.data[...] = kept
        return found
