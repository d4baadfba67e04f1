"""NaN and infinities in training: where the first one is, and what probably made it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from caffe_lite.backend import Ops
from caffe_lite.blob import Blob
from caffe_lite.layers.base import Layer
from caffe_lite.nets.net import Net
from caffe_lite.types import Array

# Layers that give infinities or NaN for finite inputs outside the range of their function.
_BOUNDED = {
    "Log": "the logarithm of 0 or of a negative number (shift the input by a small constant)",
    "Power": "0 or a negative number to a power that is not defined for it",
    "Exp": "an exponent that is too large for the element type",
    "MultinomialLogisticLoss": "the logarithm of 0 (SoftmaxWithLoss avoids it)",
    "InfogainLoss": "the logarithm of 0",
    "BatchNorm": "a variance of 0 with an eps that is too small",
    "MVN": "a variance of 0 with an eps that is too small",
}


@dataclass(frozen=True)
class NonFinite:
    """The first array of a net, in the order of computation, that holds NaN or an infinity.

    `blob` describes it within the layer, such as 'top "ip1"' or "learned blob 0".
    """

    layer: Layer
    blob: str
    nan: int
    infinite: int
    count: int
    is_input: bool  # it comes from a layer without bottoms
    is_learned: bool  # it is a learned blob

    @property
    def place(self) -> str:
        return f'layer "{self.layer.name}" ({self.layer.type}), {self.blob}'

    def __str__(self) -> str:
        kinds = [f"{self.nan} NaN"] * bool(self.nan) + [f"{self.infinite} infinite"] * bool(
            self.infinite
        )
        return f"{self.place}: {' and '.join(kinds)} of {self.count} values"

    def causes(self, rate: float, clips: bool) -> str:
        """Likely causes, the likeliest first; `rate` and `clips` are the solver's settings."""
        high = f"a learning rate that is too high (lr = {rate:g})"
        clip = [] if clips else ["no clip_gradients"]
        if self.is_input:
            found = ["bad input: look for such values in the data and its mean or scale"]
        elif self.is_learned:
            found = [f"an update with {high}", *clip, "bad input or a log of 0 in an earlier batch"]
        else:
            own = _BOUNDED.get(self.layer.type)
            found = [own] if own else []
            found += [high, *clip, "very large values in the input", *([] if own else ["log of 0"])]
        return ", ".join(found)


def all_finite(ops: Ops, arrays: Iterable[Array]) -> bool:
    """Whether no array holds NaN or an infinity; waits for the device once."""
    xp = ops.xp
    with ops.quiet():
        bounds = [bound for array in arrays if array.size for bound in (array.min(), array.max())]
        return not bounds or bool(xp.isfinite(xp.stack(bounds)).all())


def find_first(net: Net) -> NonFinite | None:
    """Run the present batch through the net again and find the first array that is not finite.

    Forward runs first, then backward. What layers read or draw is not read or drawn again: layers
    without bottoms and those that run user code keep their tops, and every layer's learned blobs,
    their gradients and its state are restored. Waits for the device at every layer.
    """
    with net.running():
        return next(_forward(net), None) or next(_backward(net), None)


def first_learned(net: Net) -> NonFinite | None:
    """The first learned blob that is not finite."""
    found = (_learned(layer, "learned blob", lambda blob: blob.data) for layer in net.layers)
    return next((each for blobs in found for each in blobs), None)


def _forward(net: Net) -> Iterator[NonFinite]:
    kept: set[int] = set()  # memory of tops that aren't computed again
    for i, layer in enumerate(net.layers):
        bottom, top = net.bottom_vecs[i], net.top_vecs[i]
        yield from _learned(layer, "learned blob", lambda blob: blob.data)
        names = net.wiring.nodes[i].top
        ids = {blob.buffer_ids[0] for blob in top}
        if not bottom or layer.host_side or ids <= kept:
            kept |= ids
        else:
            with _preserved(layer, [blob.data for blob in layer.blobs]):
                layer.forward(bottom, top)
        for t, blob in zip(names, top, strict=True):
            text = f'top "{net.wiring.blob_names[t]}"'
            yield from _check(layer, blob.data, text, is_input=not bottom)


def _backward(net: Net) -> Iterator[NonFinite]:
    for i in range(len(net.layers) - 1, -1, -1):
        layer = net.layers[i]
        yield from _learned(layer, "gradient of learned blob", lambda blob: blob.diff, False)
        if not net.layer_need_backward[i]:
            continue
        bottom, needed = net.bottom_vecs[i], net.bottom_need_backward[i]
        if not layer.host_side:
            with _preserved(layer, [blob.diff for blob in layer.blobs if blob.has_diff]):
                layer.backward(net.top_vecs[i], needed, bottom)
        for b, blob, flag in zip(net.wiring.nodes[i].bottom, bottom, needed, strict=True):
            if flag:
                yield from _check(
                    layer, blob.diff, f'gradient of bottom "{net.wiring.blob_names[b]}"'
                )


def _learned(
    layer: Layer, what: str, array_of: Callable[[Blob], Array], is_learned: bool = True
) -> Iterator[NonFinite]:
    for k, blob in enumerate(layer.blobs):
        if is_learned or blob.has_diff:
            yield from _check(layer, array_of(blob), f"{what} {k}", is_learned=is_learned)


def _check(
    layer: Layer, array: Array, blob: str, is_input: bool = False, is_learned: bool = False
) -> Iterator[NonFinite]:
    ops = layer.ops
    if all_finite(ops, [array]):
        return
    nan, infinite = int(ops.xp.isnan(array).sum()), int(ops.xp.isinf(array).sum())
    yield NonFinite(layer, blob, nan, infinite, array.size, is_input, is_learned)


@contextmanager
def _preserved(layer: Layer, arrays: list[Array]) -> Iterator[None]:
    """Restore the layer's state and these arrays at the end of the block."""
    ops, state = layer.ops, layer.get_state()
    before = [ops.to_host(array).copy() for array in arrays]
    try:
        yield
    finally:
        layer.set_state(state)
        for array, values in zip(arrays, before, strict=True):
            array[...] = ops.asarray(values)
