"""The cases of `cpu_ops.py`: our call, PyTorch's call for the same work, flops and bytes."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy

from caffe_lite.backend import ConvGeometry, UpdateRule, UpdateSlot
from caffe_lite.solvers.rules.adam import AdamSolver
from caffe_lite.solvers.rules.sgd import SGDSolver

try:
    import torch
    from torch.nn import functional

    torch.set_grad_enabled(False)
except ImportError:
    torch = None


class Case(NamedTuple):
    ours: Callable[[], Any]
    peer: Callable[[], Any] | None
    flops: float
    bytes: float


# (images, channels, height and width, outputs, kernel, stride, pad, group)
CONVOLUTIONS = {
    "CaffeNet conv1": (16, 3, 227, 96, 11, 4, 0, 1),
    "CaffeNet conv2": (16, 96, 27, 256, 5, 1, 2, 2),
    "CaffeNet conv3": (16, 256, 13, 384, 3, 1, 1, 1),
    "CaffeNet conv4": (16, 384, 13, 384, 3, 1, 1, 2),
    "CaffeNet conv5": (16, 384, 13, 256, 3, 1, 1, 2),
    "3x3 64 56x56": (16, 64, 56, 64, 3, 1, 1, 1),
    "1x1 256 to 64": (16, 256, 56, 64, 1, 1, 0, 1),
    "7x7/2 stem": (16, 3, 224, 64, 7, 2, 3, 1),
    "depthwise 512": (16, 512, 14, 512, 3, 1, 1, 512),
    "digits 3x3, batch 64": (64, 20, 6, 50, 3, 1, 0, 1),
    "CaffeNet conv3, batch 1": (1, 256, 13, 384, 3, 1, 1, 1),
}
PRODUCTS = {  # y (batch, outputs) of x (batch, inputs)
    "fc6, batch 16": (16, 9216, 4096),
    "fc6, batch 1": (1, 9216, 4096),
    "fc8, batch 16": (16, 4096, 1000),
    "LSTM input, 2000 x 1000": (2000, 1000, 4000),
    "LSTM step, 100 x 1000": (100, 1000, 4000),
    "digits fc, batch 64": (64, 200, 64),
}


def cases() -> dict[str, Callable[[Any], Case]]:
    found: dict[str, Callable[[Any], Case]] = {}
    for name, sizes in CONVOLUTIONS.items():
        for direction in ("forward", "dweight", "dx"):
            found[f"{name}, {direction}"] = partial(_convolution, sizes, direction)
    for name, sizes in PRODUCTS.items():
        for direction in ("forward", "dweight", "dx"):
            found[f"{name}, {direction}"] = partial(_product, sizes, direction)
    for direction in ("forward", "backward"):
        backward = direction == "backward"
        found[f"max pool 3/2 16x96x55, {direction}"] = partial(_pooling, True, backward)
        found[f"average pool 3/2 16x96x55, {direction}"] = partial(_pooling, False, backward)
        found[f"ReLU 16x96x55, {direction}"] = partial(_relu, backward)
        found[f"LRN 16x96x27, {direction}"] = partial(_lrn, backward)
        found[f"LSTM unit 100x1000, {direction}"] = partial(_lstm_unit, backward)
        found[f"softmax loss 2000x8801, {direction}"] = partial(_softmax_loss, backward)
    found["bias 16x96x55"] = _bias
    found["SGD, 20 million"] = _sgd
    found["Adam, 20 million"] = _adam
    return found


def _normal(*shape: int) -> Any:
    return numpy.random.default_rng(0).standard_normal(shape, dtype="float32")


def _tensors(*arrays: Any) -> list[Any]:
    return [torch.from_numpy(a) for a in arrays] if torch else [None] * len(arrays)


def _case(ours: Any, peer: Any, flops: float, *arrays: Any) -> Case:
    return Case(ours, peer if torch else None, flops, sum(a.nbytes for a in arrays))


def _convolution(sizes: tuple[int, ...], direction: str, ops: Any) -> Case:
    images, channels, size, outputs, k, stride, pad, group = sizes
    g = ConvGeometry((k, k), (stride,) * 2, (pad,) * 2, (1, 1), group)
    x, bias = _normal(images, channels, size, size), _normal(outputs)
    weight = _normal(outputs, channels // group, k, k)
    dy = _normal(images, outputs, *g.output((size, size)))
    y, dx, dweight = numpy.empty_like(dy), numpy.empty_like(x), numpy.zeros_like(weight)
    tx, tw, tb, tdy = _tensors(x, weight, bias, dy)
    flops = 2.0 * dy.size * weight[0].size
    if direction == "forward":
        peer = partial(_torch_convolution, tx, tw, tb, g)
        return _case(lambda: ops.convolution(x, weight, bias, y, g), peer, flops, x, weight, y)
    wanted = [direction == "dx", direction == "dweight", False]
    peer = partial(_torch_convolution_grad, tdy, tx, tw, g, wanted)
    if direction == "dx":
        ours = partial(ops.convolution_grad_data, dy, weight, dx, g)
    else:
        ours = partial(ops.convolution_grad_weight, x, dy, dweight, g)
    return _case(ours, peer, flops, x, weight, dy)


def _torch_convolution(x: Any, weight: Any, bias: Any, g: ConvGeometry) -> Any:
    return functional.conv2d(x, weight, bias, g.stride, g.pad, g.dilation, g.group)


def _torch_convolution_grad(dy: Any, x: Any, weight: Any, g: ConvGeometry, wanted: Any) -> Any:
    return torch.ops.aten.convolution_backward(
        dy, x, weight, [len(weight)], g.stride, g.pad, g.dilation, False, [0, 0], g.group, wanted
    )


def _product(sizes: tuple[int, ...], direction: str, ops: Any) -> Case:
    batch, inputs, outputs = sizes
    x, weight, y = _normal(batch, inputs), _normal(outputs, inputs), _normal(batch, outputs)
    tx, tw, ty = _tensors(x, weight, y)
    if direction == "forward":
        ours = partial(ops.gemm, x, weight, y, trans_b=True)
        peer = (lambda: torch.mm(tx, tw.T, out=ty)) if torch else None
    elif direction == "dx":
        ours = partial(ops.gemm, y, weight, x)
        peer = (lambda: torch.mm(ty, tw, out=tx)) if torch else None
    else:
        # Both accumulate, as layers do.
        ours = partial(ops.gemm, y, x, weight, trans_a=True, accumulate=True)
        peer = (lambda: tw.addmm_(ty.T, tx)) if torch else None
    traffic = [x, weight, y] + [weight] * (direction == "dweight")
    return _case(ours, peer, 2.0 * batch * weight.size, *traffic)


def _pooling(maximum: bool, backward: bool, ops: Any) -> Case:
    x, y, dx = _normal(16, 96, 55, 55), _normal(16, 96, 27, 27), _normal(16, 96, 55, 55)
    mask = numpy.empty(y.shape, "int32")
    tx, ty = _tensors(x, y)
    kernel, stride, pad = (3, 3), (2, 2), (0, 0)
    if maximum:
        ops.max_pool(x, y, mask, kernel, stride, pad)
        indices = torch.from_numpy(mask.astype("int64")) if torch else None
        if backward:
            peer: Any = lambda: torch.ops.aten.max_pool2d_with_indices_backward(  # noqa: E731
                ty, tx, kernel, stride, pad, (1, 1), False, indices
            )
            ours = partial(ops.max_pool_grad, y, mask, dx, kernel, stride, pad)
            return _case(ours, peer, 0, y, mask, dx)
        ours = partial(ops.max_pool, x, y, mask, kernel, stride, pad)
        return _case(ours, lambda: functional.max_pool2d(tx, 3, 2), 0, x, y, mask)
    if backward:
        ours = partial(ops.ave_pool_grad, y, dx, kernel, stride, pad)
        peer = lambda: torch.ops.aten.avg_pool2d_backward(  # noqa: E731
            ty, tx, kernel, stride, pad, False, True, None
        )
        return _case(ours, peer, 0, y, dx)
    ours = partial(ops.ave_pool, x, y, kernel, stride, pad)
    return _case(ours, lambda: functional.avg_pool2d(tx, 3, 2), 0, x, y)


def _relu(backward: bool, ops: Any) -> Case:
    x, y, dx = (_normal(16, 96, 55, 55) for _ in range(3))
    tx, ty, tdx = _tensors(x, y, dx)
    if backward:
        peer: Any = lambda: torch.ops.aten.threshold_backward(ty, tx, 0)  # noqa: E731
        return _case(lambda: ops.relu_grad(x, y, dx), peer, 0, x, y, dx)
    return _case(lambda: ops.relu(x, y), lambda: torch.clamp_min(tx, 0, out=ty), 0, x, y)


def _bias(ops: Any) -> Case:
    y, bias = _normal(16, 96, 55, 55), _normal(96)
    ty, tb = _tensors(y, bias.reshape(-1, 1, 1))
    return _case(lambda: ops.add_bias(y, bias), lambda: ty.add_(tb), 0, y, y)


def _lrn(backward: bool, ops: Any) -> Case:
    x, y, scale, dy, dx = (_normal(16, 96, 27, 27) for _ in range(5))
    (tx,) = _tensors(x)
    ops.lrn_across(x, y, scale, 5, 1e-4, 0.75, 1.0)
    if backward:
        ours = partial(ops.lrn_across_grad, x, y, scale, dy, dx, 5, 1e-4, 0.75)
        return Case(ours, None, 0, 5 * x.nbytes)
    peer = lambda: functional.local_response_norm(tx, 5)  # noqa: E731
    ours = partial(ops.lrn_across, x, y, scale, 5, 1e-4, 0.75, 1.0)
    return _case(ours, peer, 0, x, y, scale)


def _lstm_unit(backward: bool, ops: Any) -> Case:
    gates, dgates = _normal(100, 4000), _normal(100, 4000)
    c_prev, c, h, dc = (_normal(100, 1000) for _ in range(4))
    cont = numpy.ones(100, "float32")
    if backward:
        ours = partial(ops.lstm_unit_grad, gates, c_prev, cont, c, dc, h, dgates, c_prev)
        return Case(ours, None, 0, 2 * gates.nbytes + 5 * c.nbytes)
    ours = partial(ops.lstm_unit, gates, c_prev, cont, c, h)
    return Case(ours, None, 0, 2 * gates.nbytes + 3 * c.nbytes)


def _softmax_loss(backward: bool, ops: Any) -> Case:
    x, prob, label = _normal(2000, 8801, 1), _normal(2000, 8801, 1), _normal(2000, 1)
    label[...] = numpy.arange(2000).reshape(-1, 1)
    losses = numpy.empty_like(label)
    ops.softmax(x, prob)
    if backward:
        ours: Any = partial(ops.softmax_loss_grad, prob, label, None, 0.5, x)
        return Case(ours, None, 0, 2 * x.nbytes)

    def ours() -> None:
        ops.softmax(x, prob)
        ops.softmax_loss(prob, label, None, losses)

    tx = torch.from_numpy(x[:, :, 0]) if torch else None
    targets = torch.arange(2000) if torch else None
    return _case(ours, lambda: functional.cross_entropy(tx, targets), 0, x, prob)


def _sgd(ops: Any) -> Case:
    data, diff, history = (_normal(20_000_000) for _ in range(3))
    slot = UpdateSlot(data, diff, [history])
    ours = partial(ops.update, UpdateRule(SGDSolver.rule), [slot], 1e-6, 1.0, 5e-4, momentum=0.9)
    return Case(
        ours,
        _optimizer(
            lambda p: torch.optim.SGD(p, 1e-6, 0.9, weight_decay=5e-4, fused=True), data, diff
        ),
        0,
        6 * data.nbytes,
    )


def _adam(ops: Any) -> Case:
    data, diff, history = (_normal(20_000_000) for _ in range(3))
    slot = UpdateSlot(data, diff, [history, abs(history)])
    ours = partial(ops.update, UpdateRule(AdamSolver.rule, 2), [slot], 1e-6, momentum=0.9)
    return Case(
        ours,
        _optimizer(lambda p: torch.optim.Adam(p, 1e-6, fused=True), data, diff),
        0,
        8 * data.nbytes,
    )


def _optimizer(make: Any, data: Any, diff: Any) -> Any:
    if not torch:
        return None
    parameter = torch.nn.Parameter(torch.from_numpy(data.copy()))
    parameter.grad = torch.from_numpy(diff.copy())
    return make([parameter]).step
