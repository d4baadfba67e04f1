"""Every operation on the GPU against the reference implementation on the CPU."""

import zlib
from typing import Any

import numpy

from caffe_lite.backend import Ops, UpdateRule, UpdateSlot
from caffe_lite.backend.gpu import launch
from caffe_lite.backend.gpu.explicit_gemm import BATCHED, WIDE, Plan
from caffe_lite.backend.gpu.ops import CupyOps
from caffe_lite.solvers.rules.sgd import SGDSolver
from tests.backend.op_case_base import hosts
from tests.backend.op_cases import CASES, CONVOLUTIONS, compare
from tools.gpu.context import Context

TOLERANCE = {"float64": 1e-10, "float32": 1e-4}


def run(context: Context) -> None:
    for dtype in TOLERANCE:
        ops = context.ops(dtype)
        for name in CASES:
            context.attempt(f"{name}, {dtype}", _parity, ops, name)
        _plans(context, ops)
        _sizes(context, ops)
    _wide(context)


def _parity(ops: CupyOps, name: str) -> str:
    """The largest error of one case; raises beyond the tolerance."""
    seed = zlib.crc32(name.encode())
    reference = Ops(dtype=ops.dtype)
    with reference.quiet():
        wanted = CASES[name](reference, numpy.random.default_rng(seed))
    got = CASES[name](ops, numpy.random.default_rng(seed))
    return f"error {compare(got, wanted, TOLERANCE[ops.dtype.name]):.1e}"


def _plans(context: Context, ops: CupyOps) -> None:
    """Each layout of a convolution, whichever would be chosen."""
    choose = ops.tuner.choose
    try:
        for layout in (BATCHED, WIDE):
            for images in (1, 100):
                plan = Plan(layout, images)
                ops.tuner.choose = lambda *_, plan=plan: plan  # type: ignore[method-assign]
                for name in CONVOLUTIONS:
                    context.attempt(
                        f"convolution, {name}, {plan}, {ops.dtype}",
                        _parity,
                        ops,
                        f"convolution, {name}",
                    )
    finally:
        ops.tuner.choose = choose  # type: ignore[method-assign]


def _sizes(context: Context, ops: CupyOps) -> None:
    """Arrays that fill many blocks, to reveal races and wrong grids."""
    images, rows = (2, 40) if context.small else (24, 3000)
    for case, size in ((_softmax, rows), (_channels, images), (_update, rows)):
        name = f"large{case.__name__.replace('_', ' ')}, {ops.dtype}"
        context.attempt(name, _same, context, ops, case, size)


def _same(context: Context, ops: CupyOps, case: Any, size: int) -> str:
    wanted = case(context.cpu(ops.dtype.name), numpy.random.default_rng(1), size)
    got = case(ops, numpy.random.default_rng(1), size)
    return f"error {compare(got, wanted, TOLERANCE[ops.dtype.name]):.1e}"


def _softmax(ops, rng, rows):
    shape = (rows, 1001, 1)
    x, y, dx = ops.asarray(rng.standard_normal(shape)), ops.empty(shape), ops.empty(shape)
    label = ops.asarray(rng.integers(0, 1001, (rows, 1)))
    losses = ops.empty((rows, 1))
    ops.softmax(x, y)
    total, count = ops.softmax_loss(y, label, None, losses)
    ops.softmax_loss_grad(y, label, None, 0.5, dx)
    return hosts(ops, y=y, total=total, count=count, dx=dx)


def _channels(ops, rng, images):
    shape = (images, 96, 27, 27)
    x, dy = (ops.asarray(rng.standard_normal(shape)) for _ in range(2))
    y, dx = ops.empty(shape), ops.empty(shape)
    mean, var, dbias = (ops.zeros((96,)) for _ in range(3))
    ops.batch_norm_stats(x, mean, var)
    ops.batch_norm_apply(x, mean, ops.xp.sqrt(var), y)
    ops.batch_norm_grad(y, ops.xp.sqrt(var), dy, dx)
    ops.sum_bias(x, dbias)
    pooled = ops.empty((images, 96, 13, 13))
    mask = ops.empty((images, 96, 13, 13), "int32")
    ops.max_pool(x, pooled, mask, (3, 3), (2, 2), (0, 0))
    spread = ops.empty(shape)
    ops.max_pool_grad(pooled, mask, spread, (3, 3), (2, 2), (0, 0))
    return hosts(
        ops, mean=mean, var=var, y=y, dx=dx, dbias=dbias, pooled=pooled, mask=mask, spread=spread
    )


def _update(ops, rng, rows):
    slots = [
        UpdateSlot(
            ops.asarray(rng.standard_normal(s)), ops.asarray(rng.standard_normal(s)), [ops.zeros(s)]
        )
        for s in ((rows, 500), (17,), (3, rows))
    ]
    norm = ops.sum_squares([slot.diff for slot in slots])
    for _ in range(3):
        ops.update(UpdateRule(SGDSolver.rule), slots, 0.1, 0.5, 0.01, momentum=0.9)
    return hosts(ops, norm=norm, **{f"data {i}": slot.data for i, slot in enumerate(slots)})


def _wide(context: Context) -> None:
    """The kernels with 64-bit indices, on small arrays."""
    narrow = launch.MOST_NARROW
    launch.MOST_NARROW = -1
    try:
        ops = context.ops("float64")
        for name in CASES:
            context.attempt(f"{name}, 64-bit indices", _parity, ops, name)
    finally:
        launch.MOST_NARROW = narrow
