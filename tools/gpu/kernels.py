"""Single hot operations: time, and share of the device's bandwidth or matrix rate."""

from collections.abc import Callable
from typing import Any

import numpy

from caffe_lite.backend import ConvGeometry, UpdateRule, UpdateSlot
from caffe_lite.solvers.rules.sgd import SGDSolver
from tools.gpu import peers
from tools.gpu.context import Context

Action = Callable[[], Any]

# CaffeNet's convolutions: (channels, size, outputs, kernel, stride, pad, group).
CONVOLUTIONS = {
    "conv1": (3, 227, 96, 11, 4, 0, 1),
    "conv2": (96, 27, 256, 5, 1, 2, 2),
    "conv3": (256, 13, 384, 3, 1, 1, 1),
    "conv4": (384, 13, 384, 3, 1, 1, 2),
    "conv5": (384, 13, 256, 3, 1, 1, 2),
}


def run(context: Context) -> None:
    ops = context.ops("float32", "convolution")
    rng = numpy.random.default_rng(0)
    for name, (bytes_moved, action) in _bandwidth(context, ops, rng).items():
        ms = context.time(ops, action, 0.15)
        rate = bytes_moved / ms / 1e6
        share = rate / context.ceilings["bandwidth"] if context.ceilings else 0.0
        context.measure(name, ms, "ms", gigabytes_per_s=rate, share_of_copy=share)
    batch = 1 if context.small else 256
    for name, sizes in list(CONVOLUTIONS.items())[: 2 if context.small else None]:
        _convolution(context, ops, rng, name, batch, sizes)


def _bandwidth(context: Context, ops: Any, rng: Any) -> dict[str, tuple[float, Action]]:
    """Operations bound by memory: the bytes that they must move, and the call."""
    images, channels = (1, 3) if context.small else (256, 96)
    x, y, dx, scale = (
        ops.asarray(rng.standard_normal((images, channels, 27, 27))) for _ in range(4)
    )
    pooled = ops.empty((images, channels, 13, 13))
    cropped, mask = ops.empty(pooled.shape), ops.empty(pooled.shape, "int32")
    streams = 2 if context.small else 100
    bias = ops.zeros((channels,))
    window = ((3, 3), (2, 2), (0, 0))
    rows = ops.asarray(rng.standard_normal((2 if context.small else 2000, 8801, 1)))
    prob = ops.empty(rows.shape)
    gates = ops.asarray(rng.standard_normal((streams, 4000)))
    c, h, c_prev = (ops.zeros((streams, 1000)) for _ in range(3))
    shape = (1000, 4) if context.small else (6000, 10000)
    slot = UpdateSlot(ops.zeros(shape), ops.zeros(shape), [ops.zeros(shape)])
    stream = ops.stream(1)
    ops.lrn_across(x, y, scale, 5, 1e-4, 0.75, 1.0)
    ops.max_pool(x, pooled, mask, *window)
    n = x.nbytes
    return {
        "relu": (2 * n, lambda: ops.relu(x, y)),
        "lrn": (3 * n, lambda: ops.lrn_across(x, y, scale, 5, 1e-4, 0.75, 1.0)),
        "lrn gradient": (
            5 * n,
            lambda: ops.lrn_across_grad(x, y, scale, x, dx, 5, 1e-4, 0.75),
        ),
        "max pool": (n + 2 * pooled.nbytes, lambda: ops.max_pool(x, pooled, mask, *window)),
        "max pool gradient": (
            n + 2 * pooled.nbytes,
            lambda: ops.max_pool_grad(pooled, mask, dx, *window),
        ),
        "bias": (2 * n, lambda: ops.add_bias(y, bias)),
        "bias and relu": (2 * n, lambda: ops.bias_relu(y, bias)),
        "prelu": (2 * n, lambda: ops.prelu(x, bias, y)),
        "prelu gradient": (3 * n, lambda: ops.prelu_grad(x, bias, y, dx)),
        "prelu gradient to slopes": (2 * n, lambda: ops.prelu_grad_slope(x, y, bias)),
        "crop": (2 * cropped.nbytes, lambda: ops.crop(x, (0, 0, 7, 7), cropped)),
        "bias gradient": (n, lambda: ops.sum_bias(x, bias)),
        "dropout": (3 * n, lambda: ops.dropout(x, y, dx, 0.5, stream)),
        "softmax of 2000 x 8801": (2 * rows.nbytes, lambda: ops.softmax(rows, prob)),
        "lstm unit of 100 x 1000": (
            2 * gates.nbytes + 3 * c.nbytes,
            lambda: ops.lstm_unit(gates, c_prev, None, c, h),
        ),
        "sgd of 60 million weights": (
            6 * slot.data.nbytes,
            lambda: ops.update(UpdateRule(SGDSolver.rule), [slot], 0.01, 1.0, 0.0005, momentum=0.9),
        ),
    }


def _convolution(
    context: Context, ops: Any, rng: Any, name: str, batch: int, sizes: tuple[int, ...]
) -> None:
    channels, size, outputs, kernel, stride, pad, group = sizes
    if context.small:
        size, channels, outputs = min(size, 27), min(channels, 6), min(outputs, 8)
    geometry = ConvGeometry((kernel,) * 2, (stride,) * 2, (pad,) * 2, (1, 1), group)
    x = ops.asarray(rng.standard_normal((batch, channels, size, size)))
    weight = ops.asarray(rng.standard_normal((outputs, channels // group, kernel, kernel)))
    bias = ops.zeros((outputs,))
    y = ops.empty((batch, outputs, *geometry.output((size, size))))
    dx, dweight = ops.empty(x.shape), ops.zeros(weight.shape)
    work = 2.0 * weight.size * y.size / outputs
    passes = {
        "forward": lambda: ops.convolution(x, weight, bias, y, geometry),
        "gradient to data": lambda: ops.convolution_grad_data(y, weight, dx, geometry),
        "gradient to weights": lambda: ops.convolution_grad_weight(x, y, dweight, geometry),
    }
    theirs = peers.convolution_times(context, batch, channels, size, outputs, geometry)
    for which, action in passes.items():
        ms = context.time(ops, action, 0.15)
        beside = {"teraflop_per_s": work / ms / 1e9}
        if context.ceilings:
            beside["share_of_matrix_rate"] = beside["teraflop_per_s"] / context.ceilings["tf32"]
        if which in theirs:
            beside["pytorch_ms"] = theirs[which]
            beside["ratio"] = ms / theirs[which]
        context.measure(f"{name} {which}", ms, "ms", **beside)
