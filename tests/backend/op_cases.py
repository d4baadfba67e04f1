"""Cases for every operation, run on each backend and compared with the reference implementation.

A case is a function run(ops, rng). It draws its inputs in float64 from `rng`, so that every backend
sees the same numbers, calls operations, and returns the results as host arrays by name. Outputs
start as NaN, so that an element that is not written shows.
"""

import numpy

from caffe_lite.backend import UpdateSlot
from tests.backend import op_cases_recurrent, op_cases_softmax  # noqa: F401 - they add theirs
from tests.backend.op_case_base import CASES, Results, blank, case, compare, hosts, named, normal
from tests.backend.op_cases_spatial import CONVOLUTIONS
from tests.backend.update_rules import update_rule

__all__ = ["CASES", "CONVOLUTIONS", "compare"]


@case("relu")
def _(ops, rng):
    x, dy = normal(ops, rng, 3, 5, 7), normal(ops, rng, 3, 5, 7)
    x[0, 0, :3] = 0
    outs: Results = {}
    for slope in (0.0, 0.3, -0.7):
        y, dx = blank(ops, 3, 5, 7), blank(ops, 3, 5, 7)
        ops.relu(x, y, slope)
        ops.relu_grad(x, dy, dx, slope)
        in_place, grad_in_place = x.copy(), dy.copy()
        ops.relu(in_place, in_place, slope)
        ops.relu_grad(x, grad_in_place, grad_in_place, slope)
        outs |= named(f"slope {slope}", y=y, dx=dx, in_place=in_place, grad_in_place=grad_in_place)
    return hosts(ops, **outs)


@case("relu of NaN and infinity")
def _(ops, rng):
    x = ops.asarray(numpy.array([numpy.nan, numpy.inf, -numpy.inf, -2.0, 3.0]))
    y, leaky, dx = (blank(ops, 5) for _ in range(3))
    ops.relu(x, y)
    ops.relu(x, leaky, 0.25)
    ops.relu_grad(x, normal(ops, rng, 5), dx, 0.25)
    return hosts(ops, y=y, leaky=leaky, dx=dx)


@case("bias and relu")
def _(ops, rng):
    outs: Results = {}
    for shape in ((3, 5, 2, 4), (6, 7), (1, 3, 5)):
        for slope in (0.0, 0.3, -0.7):
            y = normal(ops, rng, *shape)
            ops.bias_relu(y, normal(ops, rng, shape[1]), slope)
            outs |= named(f"{shape}, slope {slope}", y=y)
    return hosts(ops, **outs)


@case("prelu")
def _(ops, rng):
    outs: Results = {}
    for shape in ((3, 5, 2, 4), (6, 70), (1, 3, 37), (4, 1, 11)):
        x, dy = normal(ops, rng, *shape), normal(ops, rng, *shape)
        x[0, 0] = 0
        slope, dslope = normal(ops, rng, shape[1]), normal(ops, rng, shape[1])
        y, dx = blank(ops, *shape), blank(ops, *shape)
        ops.prelu(x, slope, y)
        ops.prelu_grad(x, slope, dy, dx)
        ops.prelu_grad_slope(x, dy, dslope)
        in_place, grad_in_place = x.copy(), dy.copy()
        ops.prelu(in_place, slope, in_place)
        ops.prelu_grad(x, slope, grad_in_place, grad_in_place)
        outs |= named(
            shape, y=y, dx=dx, dslope=dslope, in_place=in_place, grad_in_place=grad_in_place
        )
    return hosts(ops, **outs)


@case("prelu of NaN and infinity")
def _(ops, rng):
    x = ops.asarray(numpy.array([[numpy.nan, numpy.inf, -numpy.inf, -2.0, 3.0]]))
    y, dx = blank(ops, 1, 5), blank(ops, 1, 5)
    slope = ops.asarray(numpy.array([0.5, 0.5, 0.0, 0.5, 0.5]))
    ops.prelu(x, slope, y)
    ops.prelu_grad(x, slope, normal(ops, rng, 1, 5), dx)
    return hosts(ops, y=y, dx=dx)


@case("eltwise max")
def _(ops, rng):
    outs: Results = {}
    for count in (2, 3, 5):
        # Few values: many are equal.
        hosted = rng.integers(0, 3, (count, 4, 3, 7)).astype(float)
        hosted[rng.integers(0, count), 0, 0] = numpy.nan
        hosted[1, 1, 1, 1] = -numpy.inf
        xs, dy = [ops.asarray(x) for x in hosted], normal(ops, rng, 4, 3, 7)
        y, winner = blank(ops, 4, 3, 7), blank(ops, 4, 3, 7, dtype="int32")
        ops.eltwise_max(xs, y, winner)
        outs |= named(f"of {count}", y=y, winner=winner)
        for i in range(count):
            dx = blank(ops, 4, 3, 7)
            ops.eltwise_max_grad(dy, winner, i, dx)
            outs |= named(f"of {count}, to {i}", dx=dx)
    return hosts(ops, **outs)


@case("crop")
def _(ops, rng):
    outs: Results = {}
    for whole, start, part in (
        ((3, 4, 6, 7), (0, 0, 1, 2), (3, 4, 4, 3)),
        ((5, 2, 6, 7), (2, 0, 0, 3), (2, 2, 6, 4)),
        ((4, 3), (0, 0), (4, 3)),
        ((7,), (3,), (2,)),
        ((3, 2, 4, 5, 2, 3), (1, 0, 2, 0, 1, 0), (1, 2, 2, 5, 1, 2)),
    ):
        y, dx = blank(ops, *part), blank(ops, *whole)
        ops.crop(normal(ops, rng, *whole), start, y)
        ops.crop_grad(normal(ops, rng, *part), start, dx)
        outs |= named(f"{part} of {whole}", y=y, dx=dx)
    return hosts(ops, **outs)


@case("tile")
def _(ops, rng):
    outs: Results = {}
    for outer, tiles, inner in ((3, 4, 5), (1, 2, 7), (6, 1, 1), (1, 5, 1)):
        y, dx = blank(ops, outer, tiles, inner), blank(ops, outer, inner)
        ops.tile(normal(ops, rng, outer, inner), y)
        ops.tile_grad(normal(ops, rng, outer, tiles, inner), dx)
        outs |= named(f"{outer} x {tiles} x {inner}", y=y, dx=dx)
    return hosts(ops, **outs)


@case("gemm")
def _(ops, rng):
    outs: Results = {}
    for m, n, k in ((3, 5, 7), (1, 4, 6), (5, 1, 3), (4, 6, 1)):
        for trans_a in (False, True):
            for trans_b in (False, True):
                for accumulate in (False, True):
                    a = normal(ops, rng, *((k, m) if trans_a else (m, k)))
                    b = normal(ops, rng, *((n, k) if trans_b else (k, n)))
                    out = normal(ops, rng, m, n) if accumulate else blank(ops, m, n)
                    ops.gemm(a, b, out, trans_a, trans_b, accumulate)
                    variant = f"{m} x {n} x {k}, {trans_a=}, {trans_b=}, {accumulate=}"
                    outs |= named(variant, out=out)
    return hosts(ops, **outs)


@case("gemm of nothing")
def _(ops, rng):
    out = blank(ops, 0, 4)
    ops.gemm(ops.empty((0, 3)), normal(ops, rng, 3, 4), out)
    return hosts(ops, out=out)


@case("bias")
def _(ops, rng):
    outs: Results = {}
    for shape in (
        (3, 5, 2, 4),
        (6, 7),
        (1, 3, 5),
        (50, 300),
        (9, 2, 30, 7),
        (200, 2, 7, 13),
        (8200, 3),
        (2, 16500),
    ):
        y, bias = normal(ops, rng, *shape), normal(ops, rng, shape[1])
        ops.add_bias(y, bias)
        dbias = normal(ops, rng, shape[1])
        ops.sum_bias(normal(ops, rng, *shape), dbias)
        outs |= named(shape, y=y, dbias=dbias)
    return hosts(ops, **outs)


@case("take and scatter_add")
def _(ops, rng):
    weight, rows = normal(ops, rng, 6, 5), normal(ops, rng, 9, 5)
    ids = ops.asarray(rng.integers(0, 6, 9), "int32")
    out, target = blank(ops, 9, 5), normal(ops, rng, 6, 5)
    ops.take(weight, ids, out)
    ops.scatter_add(target, ids, rows)
    return hosts(ops, out=out, target=target)


@case("scatter_add of many ids, of wide rows, of none")
def _(ops, rng):
    targets: Results = {}
    for count, columns, table in ((600, 3, 400), (40, 2, 3), (7, 300, 5), (0, 4, 1)):
        target = normal(ops, rng, table, columns)
        ids = ops.asarray(rng.integers(-1, table + 2, count), "int32")
        ops.scatter_add(target, ids, normal(ops, rng, count, columns))
        targets |= named(f"{count} ids, {table} rows of {columns}", target=target)
    return hosts(ops, **targets)


@case("sum of squares")
def _(ops, rng):
    arrays = [normal(ops, rng, *shape) for shape in ((3, 4), (1,), (5000,), (2, 3, 2))]
    return hosts(ops, all=ops.sum_squares(arrays), first=ops.sum_squares(arrays[:1]))


@case("clear")
def _(ops, rng):
    arrays = [normal(ops, rng, *shape) for shape in ((3, 4), (1,), (5000,), (2, 3, 2))]
    ops.clear(arrays[:3])
    ops.clear([])
    return hosts(ops, **{f"array {i}": array for i, array in enumerate(arrays)})


RULES = {
    "SGD": (1, {"momentum": 0.9}),
    "Nesterov": (1, {"momentum": 0.8}),
    "AdaGrad": (1, {"delta": 0.01}),
    "RMSProp": (1, {"rms_decay": 0.7, "delta": 0.02}),
    "AdaDelta": (2, {"momentum": 0.6, "delta": 0.03}),
    "Adam": (2, {"momentum": 0.9, "momentum2": 0.95, "delta": 0.04}),
}


def _update(rule, l1):
    histories, hyper = RULES[rule]

    def run(ops, rng):
        slots = []
        for i, shape in enumerate(((3, 4), (1,), (5, 1000), (2, 3, 2))):
            slots.append(
                UpdateSlot(
                    normal(ops, rng, *shape),
                    normal(ops, rng, *shape),
                    [ops.asarray(rng.random(shape)) for _ in range(histories)],
                    lr_mult=(1.0, 2.0, 0.5, 0.0)[i],
                    decay_mult=(1.0, 0.0, 3.0, 1.0)[i],
                )
            )
        slots[0].data[0, 0] = 0
        scale = ops.asarray(numpy.array(0.6))
        for iteration, rate, by in ((0, 0.5, 0.25), (1, 0.5, scale), (2, 0.1, 0.25)):
            ops.update(update_rule(rule), slots, rate, by, 0.07, l1, iteration=iteration, **hyper)
        outs: Results = {}
        for i, slot in enumerate(slots):
            outs |= named(f"blob {i}", data=slot.data, diff=slot.diff)
            for j, history in enumerate(slot.history):
                outs |= named(f"blob {i}", **{f"history {j}": history})
        return hosts(ops, **outs)

    return run


for _rule in RULES:
    CASES[f"update by {_rule}"] = _update(_rule, False)
    CASES[f"update by {_rule}, L1"] = _update(_rule, True)


@case("random numbers")
def _(ops, rng):
    stream = ops.stream(3, 5)
    outs: Results = {}
    for shape in ((7,), (2, 9), (1,), (64, 3)):
        out = blank(ops, *shape)
        stream.uniform(out)
        outs |= named(shape, out=out)
    other = ops.stream(1)
    other.state = stream.state
    more, same = blank(ops, 11), blank(ops, 11)
    stream.uniform(more)
    other.uniform(same)
    return hosts(ops, **outs, more=more, same=same)


@case("dropout")
def _(ops, rng):
    stream = ops.stream(8)
    x = normal(ops, rng, 13, 17)
    y, mask = blank(ops, 13, 17), blank(ops, 13, 17)
    ops.dropout(x, y, mask, 0.4, stream)
    in_place, second = x.copy(), blank(ops, 13, 17)
    ops.dropout(in_place, in_place, second, 0.8, stream)
    return hosts(ops, y=y, mask=mask, in_place=in_place, mask_in_place=second)


@case("copies to the device")
def _(ops, rng):
    out, labels = blank(ops, 3, 4), blank(ops, 5, dtype="int32")
    host = rng.standard_normal((4, 3))
    ops.copy_to_device(host, out)
    host[...] = 0
    ops.copy_to_device(rng.integers(0, 9, 5).astype("int32"), labels)
    again = {f"copy {i}": blank(ops, 3, 4) for i in range(5)}
    for array in again.values():
        ops.copy_to_device(rng.standard_normal((3, 4)), array)
    return hosts(ops, out=out, labels=labels, **again)
