"""The page: one HTML file with the drawing, its style, its script and a text for each layer."""

from __future__ import annotations

import html
import json
import re
from importlib.resources import files
from typing import Any

from caffe_lite.draw.graph import Graph, Part, prototxt
from caffe_lite.draw.scene import Scene
from caffe_lite.draw.svg import to_svg
from caffe_lite.errors import CaffeError
from caffe_lite.layers import describe


def to_page(graph: Graph, scene: Scene) -> str:
    """The HTML of a drawn graph. It loads nothing from anywhere else."""
    tops = {part.name: box.tops for box in graph.boxes for part in box.parts}
    content = {
        "layers": [_about(graph, part, tops[part.name]) for part in scene.parts],
        "docs": _docs(scene),
        "notes": graph.notes,
    }
    parts = files("caffe_lite.draw")
    values = {
        "TITLE": html.escape(graph.name or "net"),
        "STYLE": parts.joinpath("page.css").read_text(encoding="utf-8"),
        "SCRIPT": _script_safe(parts.joinpath("page.js").read_text(encoding="utf-8")),
        "CONTENT": _script_safe(json.dumps(content, separators=(",", ":"))),
        "DRAWING": to_svg(scene),
    }
    page = parts.joinpath("page.html").read_text(encoding="utf-8")
    return re.sub(f"@({'|'.join(values)})@", lambda mark: values[mark[1]], page)


def _about(graph: Graph, part: Part, tops: list[str]) -> dict[str, Any]:
    def sized(name: str) -> str:
        shape = graph.shapes.get(name)
        return (
            name
            if shape is None
            else f"{name}  {'×'.join('?' if d is None else str(d) for d in shape)}"
        )

    return {
        "name": part.name,
        "type": part.param.type,
        "facts": part.facts,
        "only": part.only,
        "shares": part.shares,
        "bottoms": [" ".join([name, graph.size(name)]).strip() for name in part.param.bottom],
        "tops": [" ".join([name, graph.size(name)]).strip() for name in (part.param.top or tops)],
        "prototxt": prototxt(part),
    }


def _docs(scene: Scene) -> dict[str, str]:
    """By type, the page of the layer, or why there is none."""
    docs = {}
    for part in scene.parts:
        name = part.param.type
        if name not in docs:
            try:
                docs[name] = describe.page(name)
            except CaffeError as error:
                docs[name] = str(error)
    return docs


def _script_safe(text: str) -> str:
    """Text that cannot end the script element it is in: names come from strangers' files."""
    return text.replace("</", "<\\/").replace("<!--", "<\\!--")
