"""LSTM and RNN: as a Scan over the time steps where sequences may begin anywhere.

With --one-sequence they are ONNX's own operators, whose gates are in the order i, o, f, g.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from caffe_lite.export.onnx.builder import Graph, Tensor
from caffe_lite.export.onnx.registry import translates
from caffe_lite.export.onnx.scans import scan_states
from caffe_lite.export.onnx.site import CarriedState, Site
from caffe_lite.export.onnx.sizes import Size, vector
from caffe_lite.layers.lstm import LSTM
from caffe_lite.layers.lstm_unit import LSTMUnit
from caffe_lite.layers.rnn import RNN
from caffe_lite.types import Array

ONNX_GATES = (0, 2, 1, 3)  # i, o, f, g among Caffe's i, f, o, g

# From a graph, the states and entries of a step, U and H to the new states and the result.
Step = Callable[[Graph, Sequence[Tensor], Tensor, int], list[Tensor]]


@dataclass(frozen=True)
class Cell:
    """A recurrent layer's inputs and weights, of which those of x and static inputs are joined.

    `x` are bottoms as (T, N, D), `static` as (N, D'), `cont` as (T, N), not needed with
    --one-sequence. `weights` are the numbers of the learned blobs W, b, the static input's W (or
    -1), and U. `steps` and `streams` are T and N, `states` the initial states as (N, H).
    """

    units: int
    x: Tensor
    cont: Tensor
    static: Tensor
    weights: tuple[int, int, int, int]
    steps: Size
    streams: Size
    states: tuple[Tensor, ...]


@translates(LSTM)
def lstm(site: Site) -> list[Tensor]:
    made = lstm_over(site, _cell(site, ("h", "c")))
    return made[: len(site.made)]


@translates(RNN)
def rnn(site: Site) -> list[Tensor]:
    cell = _cell(site, ("h",))
    if site.one_sequence:
        hidden, *states = plain(site, "RNN", (0,), cell)
    else:
        hidden, *states = _scanned(site, cell, _rnn_step)
    first = 1 + cell.weights[-1]
    rows = site.graph.reshape(hidden, [-1, cell.units])
    o = site.op("Gemm", rows, site.weight(first), site.weight(first + 1), transB=1)
    y = site.as_shape(site.op("Tanh", o), [cell.steps, cell.streams, cell.units])
    return [y, *states][: len(site.made)]


@translates(LSTMUnit)
def lstm_unit(site: Site) -> list[Tensor]:
    graph, (c, gates, cont) = site.graph, site.x
    carry = graph.unsqueeze(cont, [2])
    return list(_lstm_unit(graph, gates, c, carry, site.shapes[0][2]))


def lstm_over(site: Site, cell: Cell) -> list[Tensor]:
    """y (T, N, H) and the final h and c, (1, N, H) each."""
    if site.one_sequence:
        return plain(site, "LSTM", ONNX_GATES, cell)
    return _scanned(site, cell, _lstm_step)


def _cell(site: Site, states: Sequence[str]) -> Cell:
    """A layer of Caffe's own. States that are no bottoms are inputs of the model."""
    graph, exposed = site.graph, len(site.made) - 1
    units = int(site.layer.param.recurrent_param.num_output)
    static = len(site.x) - exposed == 3
    steps, streams = site.size(0), site.size(1)
    if site.one_sequence:
        initial: tuple[Tensor, ...] = ()
    elif exposed:
        initial = tuple(graph.squeeze(x, [0]) for x in site.x[-exposed:])
    else:
        initial = tuple(carried(site, name, units, streams) for name in states)
    return Cell(
        units,
        site.as_shape(site.x[0], [steps, streams, prod(site.shapes[0][2:])]),
        site.x[1],
        site.op("Flatten", site.x[2], axis=1) if static else "",
        (0, 1, 2, 3) if static else (0, 1, -1, 2),
        steps,
        streams,
        initial,
    )


def carried(site: Site, name: str, units: int, streams: Size) -> Tensor:
    """The state (N, H) from the run before: an input of the model, zeros by default."""
    graph = site.graph
    given = graph.reserve(f"{site.layer.name}.{name}")
    site.carried.append(CarriedState(given, units))
    return site.op("Expand", graph.squeeze(given, [0]), vector(graph, [streams, units]))


def _scanned(site: Site, cell: Cell, step: Step) -> list[Tensor]:
    """y (T, N, H) and the final states (1, N, H), by a Scan over the steps."""
    graph, (w, b, w_static, u) = site.graph, cell.weights
    rows = site.layer.blobs[w].shape[0]
    taken = site.layer.blobs[w].count // rows
    steps = graph.reshape(cell.x, [-1, taken])
    pre = site.op("Gemm", steps, site.weight(w), site.weight(b), transB=1)
    pre = site.as_shape(pre, [cell.steps, cell.streams, rows])
    if cell.static:
        pre = site.op("Add", pre, site.op("Gemm", cell.static, site.weight(w_static), transB=1))
    cont, recurrent = graph.unsqueeze(cell.cont, [2]), site.weight(u)
    *finals, y = scan_states(
        graph,
        lambda body, given: step(body, given, recurrent, cell.units),
        cell.states,
        [pre, cont],
    )
    finals = [graph.unsqueeze(state, [0]) for state in finals]
    for state, value in zip(site.carried, finals, strict=False):
        state.output = value
    return [y, *finals]


def _lstm_step(body: Graph, given: Sequence[Tensor], weight: Tensor, units: int) -> list[Tensor]:
    h, c, pre, cont = given
    gates = body.add("Gemm", body.add("Mul", h, cont), weight, pre, transB=1)
    c, h = _lstm_unit(body, gates, c, cont, units)
    return [h, c, h]


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
    h = body.add("Tanh", sums)
    return [h, h]


def plain(site: Site, op: str, order: Sequence[int], cell: Cell) -> list[Tensor]:
    """y and the final states by ONNX's operator, which begins with zeros at the first step.

    A static input is repeated for every step, beside the others. `order` is that of ONNX's gates.
    """
    graph, (w, b, w_static, u) = site.graph, cell.weights
    x, weight = cell.x, site.values(w)
    if cell.static:
        extra = site.values(w_static)
        shape = vector(graph, [cell.steps, cell.streams, extra.shape[1]])
        x = graph.concat([x, site.op("Expand", cell.static, shape)], 2)
        weight = np.concatenate([weight, extra], 1)
    bias = _gates(site.values(b), order)
    constants = [
        graph.constant(values[None], name=graph.fresh(name))
        for name, values in (
            ("W", _gates(weight, order)),
            ("R", _gates(site.values(u), order)),
            ("B", np.concatenate([bias, np.zeros_like(bias)])),
        )
    ]
    made = graph.add_many(op, [x, *constants], 3 if op == "LSTM" else 2, hidden_size=cell.units)
    return [graph.squeeze(made[0], [1]), *made[1:]]


def _gates(values: Array, order: Sequence[int]) -> Array:
    """The rows of a blob, gate by gate in another order."""
    gates = values.reshape(len(order), -1, *values.shape[1:])
    return gates[list(order)].reshape(values.shape)
