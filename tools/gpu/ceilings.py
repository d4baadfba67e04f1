"""The device's measured limits: rates of large matrix products and of a large copy."""

from functools import partial

import numpy

from tools.gpu.context import Context


def run(context: Context) -> None:
    """Measure the limits that later sections relate their times to."""
    size = 64 if context.small else 8192
    for name, dtype, tf32 in (
        ("float32", "float32", "none"),
        ("tf32", "float32", "all"),
        ("float64", "float64", "none"),
    ):
        ops = context.ops(dtype, tf32)
        rng = numpy.random.default_rng(0)
        n = size // 2 if dtype == "float64" and not context.small else size
        a, b = (ops.asarray(rng.standard_normal((n, n))) for _ in range(2))
        out = ops.empty((n, n))
        ms = context.time(ops, partial(ops.gemm, a, b, out))
        rate = 2.0 * n**3 / ms / 1e9
        context.ceilings[name] = rate
        context.measure(f"matrix product {n} x {n}, {name}", rate, "TFLOP/s")
    ops = context.ops()
    count = 2**10 if context.small else 2**28
    x, y = ops.zeros((count,)), ops.zeros((count,))
    ms = context.time(ops, lambda: ops.xp.copyto(y, x))
    context.ceilings["bandwidth"] = 2.0 * x.nbytes / ms / 1e6
    context.measure("copy, read and written", context.ceilings["bandwidth"], "GB/s")
    ms = context.time(ops, lambda: ops.relu(x[:32], y[:32]))
    context.measure("launching one small kernel", ms * 1e3, "us")


def floor(context: Context, operations: dict[str, float], tf32: str, factor: float) -> float:
    """Milliseconds that the matrix products of a net take at the measured rates.

    `factor` is 1 for a forward pass and 3 with backward.
    """
    if not context.ceilings:
        return 0.0
    rates = context.ceilings
    convolution = rates["float32" if tf32 == "none" else "tf32"]
    product = rates["tf32" if tf32 == "all" else "float32"]
    seconds = operations["convolution"] / convolution + operations["product"] / product
    return factor * seconds / 1e9
