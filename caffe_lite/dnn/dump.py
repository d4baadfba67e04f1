"""A net as a graph for Graphviz."""

from collections.abc import Sequence

from caffe_lite.dnn.graph import Graph
from caffe_lite.dnn.shapes import LayerShapes


def dot(graph: Graph, shapes: Sequence[LayerShapes] | None) -> str:
    """The text of a digraph; with `shapes` each layer shows the shape of its first output."""
    lines = ["digraph G {"]
    for node in graph.nodes[1:]:
        shown = ""
        if shapes is not None and shapes[node.id].outputs:
            shown = f"output: {' x '.join(map(str, shapes[node.id].outputs[0]))}\\l"
        name = _quoted(node.name)
        lines.append(f'\t"{name}" [label="{name}\\n{node.type}\\n{shown}" shape=box]')
    lines.append("")
    for node in graph.nodes[1:]:
        sources = dict.fromkeys(source for source, _ in node.inputs)
        lines += [
            f'\t"{_quoted(graph.nodes[source].name)}" -> "{_quoted(node.name)}"'
            for source in sources
        ]
    return "\n".join([*lines, "}", ""])


def _quoted(name: str) -> str:
    return name.replace("\\", "\\\\").replace('"', '\\"')
