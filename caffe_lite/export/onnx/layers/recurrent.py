"""LSTM and RNN: as a Scan over the time steps where sequences may begin anywhere.

With --one-sequence they are ONNX's own operators, whose gates are in the order i, o, f, g.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from caffe_lite.export.onnx.builder import Graph, Tensor
from caffe_lite.export.onnx.registry import translates
from caffe_lite.export.onnx.site import CarriedState, Site
from caffe_lite.export.onnx.sizes import Size, vector
from caffe_lite.layers.lstm import LSTM
from caffe_lite.layers.lstm_unit import LSTMUnit
from caffe_lite.layers.rnn import RNN
from caffe_lite.types import Array

_FLOAT = 1
_ONNX_GATES = (0, 2, 1, 3)  # i, o, f, g among Caffe's i, f, o, g


@translates(LSTM)
def lstm(site: Site) -> list[Tensor]:
    if site.one_sequence:
        return _plain(site, "LSTM", _ONNX_GATES)
    return _scanned(site, ("h", "c"), _lstm_step)


@translates(RNN)
def rnn(site: Site) -> list[Tensor]:
    hidden, *states = (
        _plain(site, "RNN", (0,)) if site.one_sequence else _scanned(site, ("h",), _rnn_step)
    )
    first = 4 if _has_static(site) else 3
    rows = site.graph.reshape(hidden, [-1, _units(site)])
    o = site.op("Gemm", rows, site.weight(first), site.weight(first + 1), transB=1)
    y = site.as_shape(site.op("Tanh", o), [site.size(0), site.size(1), _units(site)])
    return [y, *states]


@translates(LSTMUnit)
def lstm_unit(site: Site) -> list[Tensor]:
    graph, (c, gates, cont) = site.graph, site.x
    carry = graph.unsqueeze(cont, [2])
    return list(_lstm_unit(graph, gates, c, carry, site.shapes[0][2]))


def _units(site: Site) -> int:
    return int(site.layer.param.recurrent_param.num_output)


def _exposed(site: Site) -> int:
    """How many states come as bottoms and go as tops."""
    return len(site.made) - 1


def _has_static(site: Site) -> bool:
    return len(site.x) - _exposed(site) == 3


def _inputs(site: Site) -> Tensor:
    """The gates' sums over the inputs of all steps, (T, N, gates * H): W_x x + b (+ W_s x_s)."""
    rows = site.layer.blobs[0].shape[0]
    taken = prod(site.shapes[0][2:])
    steps = site.as_shape(site.x[0], [site.size(0) * site.size(1), taken])
    pre = site.op("Gemm", steps, site.weight(0), site.weight(1), transB=1)
    pre = site.as_shape(pre, [site.size(0), site.size(1), rows])
    if _has_static(site):
        static = site.op("Flatten", site.x[2], axis=1)
        pre = site.op("Add", pre, site.op("Gemm", static, site.weight(2), transB=1))
    return pre


def _scanned(site: Site, states: Sequence[str], step: Any) -> list[Tensor]:
    """y (T, N, H) and the final states that are tops; others are inputs and outputs of the net."""
    from onnx import helper

    graph, units = site.graph, _units(site)
    pre, cont = _inputs(site), site.graph.unsqueeze(site.x[1], [2])
    weight = site.weight(3 if _has_static(site) else 2)
    exposed = _exposed(site)
    if exposed:
        initial = [graph.squeeze(x, [0]) for x in site.x[-exposed:]]
    else:
        initial = [_carried(site, name) for name in states]
    body = Graph(graph.opset)
    body.prefix = graph.fresh("step")
    given = [body.fresh(name) for name in (*states, "pre", "cont")]
    finals = step(body, given, weight, units)
    y = body.add("Identity", finals[0])
    inner = helper.make_graph(
        body.nodes,
        body.prefix,
        [helper.make_tensor_value_info(name, _FLOAT, None) for name in given],
        [helper.make_tensor_value_info(name, _FLOAT, None) for name in (*finals, y)],
        [_initializer(body.constants[name], name) for name in body.constants],
    )
    made = graph.add_many(
        "Scan", [*initial, pre, cont], len(states) + 1, body=inner, num_scan_inputs=2
    )
    last = [graph.unsqueeze(state, [0]) for state in made[:-1]]
    if exposed:
        return [made[-1], *last]
    for state, value in zip(site.carried, last, strict=True):
        state.output = value
    return [made[-1]]


def _initializer(values: Array, name: str) -> Any:
    from onnx import numpy_helper

    return numpy_helper.from_array(values, name)


def _carried(site: Site, name: str) -> Tensor:
    """The state (N, H) from the run before: an input of the model, zeros by default."""
    graph, units = site.graph, _units(site)
    given = graph.reserve(f"{site.layer.name}.{name}")
    site.carried.append(CarriedState(given, units, site.layer.param.bottom[0]))
    streams = site.size(1)
    return site.op("Expand", graph.squeeze(given, [0]), vector(graph, [streams, units]))


def _lstm_step(body: Graph, given: Sequence[Tensor], weight: Tensor, units: int) -> list[Tensor]:
    h, c, pre, cont = given
    gates = body.add("Gemm", body.add("Mul", h, cont), weight, pre, transB=1)
    c, h = _lstm_unit(body, gates, c, cont, units)
    return [h, c]


def _lstm_unit(
    graph: Graph, gates: Tensor, c: Tensor, cont: Tensor, units: int
) -> tuple[Tensor, Tensor]:
    """The new c and h: c = cont sigmoid(f) c + sigmoid(i) tanh(g); h = sigmoid(o) tanh(c)."""
    i, f, o, g = graph.split(gates, [units] * 4, -1)
    kept = graph.add("Mul", graph.add("Mul", graph.add("Sigmoid", f), cont), c)
    new = graph.add("Mul", graph.add("Sigmoid", i), graph.add("Tanh", g))
    c = graph.add("Add", kept, new)
    return c, graph.add("Mul", graph.add("Sigmoid", o), graph.add("Tanh", c))


def _rnn_step(body: Graph, given: Sequence[Tensor], weight: Tensor, units: int) -> list[Tensor]:
    h, pre, cont = given
    sums = body.add("Gemm", body.add("Mul", h, cont), weight, pre, transB=1)
    return [body.add("Tanh", sums)]


def _plain(site: Site, op: str, order: Sequence[int]) -> list[Tensor]:
    """y and the exposed final states by ONNX's operator, which begins with zeros.

    A static input is repeated for every step, beside the others.
    """
    graph, units = site.graph, _units(site)
    static = _has_static(site)
    x = site.as_shape(site.x[0], [site.size(0), site.size(1), prod(site.shapes[0][2:])])
    weight = site.values(0)
    if static:
        width = prod(site.shapes[2][1:])
        shape: list[int | Size] = [site.size(0), site.size(1), width]
        repeated = site.op("Expand", site.op("Flatten", site.x[2], axis=1), vector(graph, shape))
        x = graph.concat([x, repeated], 2)
        weight = np.concatenate([weight, site.values(2)], 1)
    bias = _gates(site.values(1), order)
    constants = [
        graph.constant(values[None], name=graph.fresh(name))
        for name, values in (
            ("W", _gates(weight, order)),
            ("R", _gates(site.values(3 if static else 2), order)),
            ("B", np.concatenate([bias, np.zeros_like(bias)])),
        )
    ]
    made = graph.add_many(op, [x, *constants], 3 if op == "LSTM" else 2, hidden_size=units)
    return [graph.squeeze(made[0], [1]), *made[1 : 1 + _exposed(site)]]


def _gates(values: Array, order: Sequence[int]) -> Array:
    """The rows of a blob, gate by gate in another order."""
    gates = values.reshape(len(order), -1, *values.shape[1:])
    return gates[list(order)].reshape(values.shape)
