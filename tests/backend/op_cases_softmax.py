"""Cases of softmax, its loss and the likeliest classes."""

import numpy

from tests.backend.op_case_base import CASES, Results, blank, case, hosts, named, normal


def _softmax(*shape):
    def run(ops, rng):
        x = ops.asarray(rng.standard_normal(shape) * 5)
        y, dx = blank(ops, *shape), blank(ops, *shape)
        ops.softmax(x, y)
        dy = normal(ops, rng, *shape)
        ops.softmax_grad(y, dy, dx)
        in_place, grad_in_place = x.copy(), dy.copy()
        ops.softmax(in_place, in_place)
        ops.softmax_grad(y, grad_in_place, grad_in_place)
        return hosts(ops, y=y, dx=dx, in_place=in_place, grad_in_place=grad_in_place)

    return run


def _softmax_loss(ignore, *shape):
    def run(ops, rng):
        outer, classes, inner = shape
        prob = rng.random(shape) ** 4
        prob /= prob.sum(axis=1, keepdims=True)
        prob[0, :, 0] = 0
        label = rng.integers(0, classes, (outer, inner)).astype(float)
        if ignore is not None:
            label[rng.random(label.shape) < 0.3] = ignore
        prob, label = ops.asarray(prob), ops.asarray(label)
        losses = blank(ops, outer, inner)
        total, count = ops.softmax_loss(prob, label, ignore, losses)
        by_number, by_array = blank(ops, *shape), blank(ops, *shape)
        ops.softmax_loss_grad(prob, label, ignore, 0.37, by_number)
        ops.softmax_loss_grad(prob, label, ignore, ops.asarray(numpy.array(1.9)), by_array)
        assert ops.label_fault(label, classes, ignore) is None
        return hosts(
            ops, losses=losses, total=total, count=count, by_number=by_number, by_array=by_array
        )

    return run


for _shape in ((3, 5, 4), (6, 7, 1), (1, 2, 1), (5, 70, 1), (2, 300, 1), (2, 1500, 1), (3, 70, 2)):
    CASES[f"softmax of {_shape}"] = _softmax(*_shape)
    CASES[f"softmax loss of {_shape}"] = _softmax_loss(None, *_shape)
CASES["softmax loss, ignored -1"] = _softmax_loss(-1, 4, 3, 5)
CASES["softmax loss, ignored class"] = _softmax_loss(2, 7, 5, 3)
CASES["softmax loss, many labels"] = _softmax_loss(255, 30, 3, 40)


@case("softmax of large numbers")
def _(ops, rng):
    x = rng.standard_normal((4, 90, 1)) * 1000
    x[1, :45] = -numpy.inf
    y = blank(ops, 4, 90, 1)
    ops.softmax(ops.asarray(x), y)
    small = blank(ops, 2, 3, 5)
    ops.softmax(ops.asarray(rng.standard_normal((2, 3, 5)) * 1000), small)
    return hosts(ops, y=y, small=small)


@case("top scores")
def _(ops, rng):
    outs: Results = {}
    for rows, classes, count in ((1, 1, 1), (3, 7, 4), (5, 300, 5), (2, 1001, 1)):
        scores = rng.integers(-40, 40, (rows, classes)) / 8.0  # many are equal
        found = ops.top_scores(ops.asarray(scores), count)
        names = ("classes", "best", "log_sum")
        outs |= named(f"{count} of {classes}", **dict(zip(names, found, strict=True)))
    return hosts(ops, **outs)
