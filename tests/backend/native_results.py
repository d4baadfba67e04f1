"""Results of operations of many kinds, to compare two libraries or two numbers of threads."""

import numpy

from caffe_lite.backend import ConvGeometry, UpdateSlot
from tests.backend.update_rules import update_rule


def results(ops):
    """Arrays large enough that the work is divided among threads."""
    rng = numpy.random.default_rng(0)
    g = ConvGeometry((3, 3), (2, 1), (1, 1), (1, 1), 2)
    x, weight = rng.standard_normal((5, 12, 40, 41)), rng.standard_normal((22, 6, 3, 3))
    x, weight = x.astype(ops.dtype), weight.astype(ops.dtype)
    y = ops.empty((5, 22, *g.output((40, 41))))
    dx, dweight, dbias = ops.empty(x.shape), ops.zeros(weight.shape), ops.zeros((22,))
    ops.convolution(x, weight, None, y, g)
    ops.convolution_grad_data(y, weight, dx, g)
    ops.convolution_grad_weight(x, y, dweight, g)
    ops.sum_bias(y, dbias)
    flat, product = x.reshape(60, -1), ops.empty((60, 60))
    ops.gemm(flat, flat, product, trans_b=True)
    wide = ops.empty((flat.shape[1], flat.shape[1]))
    ops.gemm(flat, flat, wide, trans_a=True)
    scale, normal = ops.empty(x.shape), ops.empty(x.shape)
    ops.lrn_across(x, normal, scale, 5, 1.0, 0.75, 1.0)
    total = ops.sum_squares([wide, y])
    slot = UpdateSlot(wide.copy(), wide.copy(), [wide.copy()])
    ops.update(update_rule("SGD"), [slot], 0.1, 0.5, 0.1, momentum=0.9)
    return [y, dx, dweight, dbias, product, wide, normal, total, slot.data]
