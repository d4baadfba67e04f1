"""Check the gradients of a whole net, layer by layer, at the data that its forward pass gives."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np

from caffe_lite.blob import Blob
from caffe_lite.layers.base import Layer
from caffe_lite.nets.backward_plan import takes_gradient
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
    """The results of one layer's check by blob, or why there are none.

    `note` says why nothing was checked ("no gradient to check") or what stopped the check: a kink,
    or a backward pass that is missing or breaks the rules. `failed` is True in the second case.
    """

    layer: Layer
    results: tuple[GradientResult, ...] = ()
    note: str = ""
    failed: bool = False


def check_net(
    net: Net, only: str | None = None, seed: int = 0, filled: Collection[str] = ()
) -> Iterator[LayerCheck]:
    """Check each layer of a float64 net, or the one called `only`, during one forward pass.

    The net's inputs are first filled with normal random numbers, except those in `filled`, which
    hold the caller's values (labels, indices). If a layer is not smooth at its data (equal pixels,
    sums that are exactly zero), its bottoms are moved a little, at random, up to three times.
    """
    rng = np.random.default_rng(seed)
    for name in net.inputs:
        if name not in filled:
            blob = net.blobs[name]
            blob.data[...] = net.ops.asarray(rng.normal(size=blob.shape))
    wanted = None if only is None else net.layer_index(only)
    for i, layer in enumerate(net.layers):
        # Before the layer's forward pass: an in-place layer overwrites the point to check.
        if wanted is None or i == wanted:
            yield _check(net, i, layer, seed)
        net.forward(i, i)


def _check(net: Net, i: int, layer: Layer, seed: int) -> LayerCheck:
    bottom, top = net.bottom_vecs[i], net.top_vecs[i]
    flags = takes_gradient(layer, len(bottom))
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
