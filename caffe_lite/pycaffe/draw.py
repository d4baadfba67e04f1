"""`caffe.draw`: nets as pictures. Only other formats than PNG and SVG need Graphviz."""

from __future__ import annotations

import shutil
import subprocess
from typing import Any

from caffe_lite.draw.dot import to_dot
from caffe_lite.draw.graph import Graph, net_graph
from caffe_lite.draw.write import FORMS, encode
from caffe_lite.errors import CaffeError, UsageError
from caffe_lite.proto import schema
from caffe_lite.proto.atomic import atomic_path
from caffe_lite.proto.upgrade import upgrade_net
from caffe_lite.trust import trusting
from caffe_lite.types import NetParameter

_TEXT = ("dot", "gv", "raw")
_DIRECTIONS = {"TB": "TB", "BT": "TB", "LR": "LR", "RL": "LR"}


def draw_net_to_file(
    caffe_net: NetParameter,
    filename: str,
    rankdir: str = "LR",
    phase: int | None = None,
    display_lrm: bool = False,
) -> None:
    """Draw a net into a file, in the format of its ending; see `draw_net`."""
    content = draw_net(caffe_net, rankdir, filename.rpartition(".")[2], phase, display_lrm)
    with atomic_path(filename) as partial:
        partial.write_bytes(content)


def draw_net(
    caffe_net: NetParameter,
    rankdir: str,
    ext: str = "png",
    phase: int | None = None,
    display_lrm: bool = False,
) -> bytes:
    """A drawing of a net, as the bytes of a file of the format `ext`.

    png, svg and html are drawn here, dot, gv and raw are Graphviz's language; other formats need
    Graphviz's program dot. `rankdir` is TB or LR; BT and RL, which run backwards, are drawn as
    these. `phase` is TRAIN, TEST, or None for the layers of both. `display_lrm` adds the learning
    rate multipliers. Raises UsageError for an unknown direction or format.
    """
    graph, direction = _graph(caffe_net, rankdir, phase, display_lrm)
    if ext in _TEXT:
        return to_dot(graph, direction).encode()
    return encode(graph, ext, direction) if ext in FORMS else _with_graphviz(graph, rankdir, ext)


def get_pydot_graph(
    caffe_net: NetParameter,
    rankdir: str,
    label_edges: bool = True,
    phase: int | None = None,
    display_lrm: bool = False,
) -> Any:
    """The drawing as a graph of the package pydot, which must be installed."""
    try:
        import pydot
    except ImportError:
        raise CaffeError(
            "get_pydot_graph needs the package pydot: pip install pydot; draw_net and "
            "draw_net_to_file do without"
        ) from None
    graph, direction = _graph(caffe_net, rankdir, phase, display_lrm)
    if not label_edges:
        graph.shapes.clear()
    return pydot.graph_from_dot_data(to_dot(graph, direction))[0]


def _graph(
    caffe_net: NetParameter, rankdir: str, phase: int | None, display_lrm: bool
) -> tuple[Graph, str]:
    if rankdir not in _DIRECTIONS:
        raise UsageError(f'rankdir "{rankdir}" is unknown; known are {", ".join(_DIRECTIONS)}')
    which = "ALL" if phase is None else ("TEST" if phase == schema.TEST else "TRAIN")
    net: NetParameter = schema.NetParameter.FromString(caffe_net.SerializeToString())
    with trusting(False):
        graph = net_graph(upgrade_net(net, "net"), which)
    if display_lrm:
        for box in graph.boxes:
            for part in box.parts:
                if part.kind == "weights":
                    given = [spec.lr_mult for spec in part.param.param]
                    rates = ", ".join(f"{rate:.1f}" for rate in (given + [1.0, 1.0])[:2])
                    part.facts = f"{part.facts}, lr mult {rates}".removeprefix(", ")
    return graph, _DIRECTIONS[rankdir]


def _with_graphviz(graph: Graph, rankdir: str, ext: str) -> bytes:
    program = shutil.which("dot")
    if program is None:
        raise UsageError(
            f"drawings in the format {ext} need Graphviz's program dot; without it there are "
            f"{', '.join((*FORMS, *_TEXT[1:]))}"
        )
    run = subprocess.run(
        [program, f"-T{ext}"], input=to_dot(graph, rankdir).encode(), capture_output=True
    )
    if run.returncode:
        raise CaffeError(f"dot -T{ext}: {run.stderr.decode(errors='replace').strip()}")
    return run.stdout
