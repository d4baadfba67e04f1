"""Scan nodes: a body that runs once for each entry along the first axis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from caffe_lite.export.onnx.builder import Graph, Tensor

_FLOAT = 1


def scan(graph: Graph, step: Callable[[Graph, Tensor], Tensor], entries: Tensor) -> Tensor:
    """`step` of every entry of a float32 tensor, along a new first axis.

    `step` adds its nodes to the graph that it is given, and may use values of `graph`.
    """
    return scan_states(graph, lambda body, given: [step(body, *given)], [], [entries])[0]


def scan_states(
    graph: Graph,
    step: Callable[[Graph, Sequence[Tensor]], Sequence[Tensor]],
    states: Sequence[Tensor],
    entries: Sequence[Tensor],
) -> list[Tensor]:
    """Final states, then what each step gave, along a new first axis.

    `step` maps the states and the entries of a step to the new states and, as the last value, the
    step's result. All are float32.
    """
    from onnx import helper

    body = graph.inner("step")
    given = [body.fresh("given") for _ in (*states, *entries)]
    made = [body.add("Identity", value) for value in step(body, given)]
    inner = helper.make_graph(
        body.nodes, body.prefix, _infos(given), _infos(made), body.initializers()
    )
    return graph.add_many(
        "Scan", [*states, *entries], len(made), body=inner, num_scan_inputs=len(entries)
    )


def _infos(names: Sequence[Tensor]) -> list[Any]:
    from onnx import helper

    return [helper.make_tensor_value_info(name, _FLOAT, None) for name in names]
