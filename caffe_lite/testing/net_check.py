"""Check the gradients of a whole net, layer by layer, at the data that flows through it."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np

from caffe_lite.blob import Blob
from caffe_lite.layers.base import Layer
from caffe_lite.nets.net import Net
from caffe_lite.testing.gradient_check import (
    GradientError,
    GradientResult,
    KinkError,
    check_gradients,
)

ATTEMPTS = 4
JITTER = 0.05  # of a bottom's standard deviation


@dataclass(frozen=True)
class LayerCheck:
    """What the check of one layer found: results by blob, or why it was not checked.

    `note` says why nothing was checked ("no gradient to check") or what stopped the check: a kink,
    a backward pass that breaks the rules, or a layer that has none.
    """

    layer: Layer
    results: tuple[GradientResult, ...] = ()
    note: str = ""
    failed: bool = False


def check_net(
    net: Net, only: str | None = None, seed: int = 0, filled: Collection[str] = ()
) -> Iterator[LayerCheck]:
    """Check each layer of a float64 net at its present blobs, after one forward pass.

    Where a layer is not smooth at its data (pixels that tie, sums that are exactly zero) its
    bottoms are moved a little, at random. Inputs of the net are filled with normal random numbers
    first, but for those that `filled` names, which hold the caller's values (labels, indices).
    `only` names one layer.
    """
    rng = np.random.default_rng(seed)
    for name in net.inputs:
        if name not in filled:
            blob = net.blobs[name]
            blob.data[...] = net.ops.asarray(rng.normal(size=blob.shape))
    wanted = None if only is None else net.layer_index(only)
    for i, layer in enumerate(net.layers):
        # Before its forward pass, for an in-place layer writes over the point to check.
        if wanted is None or i == wanted:
            yield _check(net, i, layer, seed)
        net.forward(i, i)


def _check(net: Net, i: int, layer: Layer, seed: int) -> LayerCheck:
    bottom, top = net.bottom_vecs[i], net.top_vecs[i]
    flags = [j not in layer.no_gradient for j in range(len(bottom))]
    if not layer.blobs and not any(flags):
        return LayerCheck(layer, note="no gradient to check")
    rng = np.random.default_rng(seed)
    movable = [blob for blob, flag in zip(bottom, flags, strict=True) if flag]
    note = ""
    for _ in range(ATTEMPTS):
        try:
            return LayerCheck(layer, tuple(check_gradients(layer, bottom, top, flags, seed=seed)))
        except KinkError as error:
            note = str(error)
            _move(movable, rng)
        except GradientError as error:
            return LayerCheck(layer, note=str(error), failed=True)
    return LayerCheck(layer, note=note, failed=True)


def _move(blobs: list[Blob], rng: np.random.Generator) -> None:
    for blob in blobs:
        data = blob.ops.to_host(blob.data)
        noise = rng.normal(scale=JITTER * (data.std() or 1.0), size=blob.shape)
        blob.data[...] = blob.ops.asarray(data + noise)
