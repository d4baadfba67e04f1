"""A graph in Graphviz's language, for those who want to lay it out themselves."""

from __future__ import annotations

from caffe_lite.draw.facts import COLOURS
from caffe_lite.draw.graph import Box, Graph


def to_dot(graph: Graph, direction: str = "TB") -> str:
    """A digraph: a node for each box, an edge for each blob, with names and shapes."""
    lines = [
        f"digraph {_quoted(graph.name or 'net')} {{",
        f"  rankdir={direction};",
        '  node [shape=box style="rounded,filled" fontname="Helvetica" fontsize=11];',
        '  edge [fontname="Helvetica" fontsize=10 color="#8a96a3"];',
    ]
    boxes = {box.key: box for box in graph.boxes}
    for box in graph.boxes:
        fill, edge = COLOURS[box.parts[0].kind]
        lines.append(
            f"  n{box.key} [label={_label(box)} fillcolor={_quoted(fill)} color={_quoted(edge)}];"
        )
    for line in graph.lines:
        label = graph.label(boxes[line.start], line.blob)
        lines.append(f"  n{line.start} -> n{line.end} [label={_quoted(label)}];")
    return "\n".join([*lines, "}"]) + "\n"


def _label(box: Box) -> str:
    texts = []
    for part in box.parts:
        only = f" [{part.only}]" if part.only else ""
        texts.append(f"{part.name} ({part.param.type}){only}")
        texts += [part.facts] if part.facts else []
        texts += [f"weights of {owner}" for owner in dict.fromkeys(part.shares.values())]
    return _quoted("\n".join(texts))


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
