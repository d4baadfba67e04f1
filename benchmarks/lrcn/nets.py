"""Run deploy nets over many rows."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from training import PROTOTXT

from caffe_lite.lrcn.deploy import load_deploy_net


def run_net(
    definition: str,
    weights: Path,
    inputs: dict[str, np.ndarray],
    outputs: Sequence[str],
    axis: int = 0,
    batch: int = 100,
) -> dict[str, np.ndarray]:
    """Blobs of a deploy net under prototxt/lrcn for `inputs`, whose clips lie along `axis`.

    The clips of each output lie along its first axis.
    """
    net = load_deploy_net(PROTOTXT / definition, weights)
    count = next(iter(inputs.values())).shape[axis]
    found: dict[str, list[np.ndarray]] = {name: [] for name in outputs}
    try:
        for first in range(0, count, batch):
            rows = np.arange(first, min(first + batch, count))
            for name, values in inputs.items():
                part = values.take(rows, axis)
                net.blobs[name].reshape(*part.shape)
                net.blobs[name].data[...] = net.ops.asarray(part)
            net.forward()
            for name in outputs:
                found[name].append(net.ops.to_host(net.blobs[name].data).copy())
    finally:
        net.close()
    return {name: np.concatenate(parts) for name, parts in found.items()}
