"""What the page says about a layer: its formulas, its prototxt and the lines of its source."""

from __future__ import annotations

import inspect
from pathlib import Path

import caffe_lite
from caffe_lite.layers import describe
from caffe_lite.layers.base import Layer
from caffe_lite.proto import text

PACKAGE = Path(caffe_lite.__file__).parent


def about(layer: Layer) -> dict[str, object]:
    """The layer's name, type, sentence, description and prototxt."""
    cls = type(layer)
    return {
        "name": layer.name,
        "type": layer.param.type,
        "summary": describe.summary_of(cls),
        "description": describe.description(cls),
        "prototxt": text.format(layer.param).strip(),
    }


def source(layer: Layer, method: str) -> dict[str, object]:
    """File, first line and text of a layer's `forward` or `backward`, "" where there is none.

    A method that a base class has, such as Neuron's, comes with what the layer's class fills in.
    """
    found = getattr(type(layer), method)
    parts = [found]
    filled = {"forward": ("function", "run"), "backward": ("derivative", "run_grad")}[method]
    parts += [getattr(type(layer), name) for name in filled if hasattr(type(layer), name)]
    return {"parts": [_lines(part) for part in parts]}


def _lines(function: object) -> dict[str, object]:
    try:
        lines, first = inspect.getsourcelines(function)  # type: ignore[arg-type]
        path = Path(inspect.getsourcefile(function) or "")  # type: ignore[arg-type]
    except (OSError, TypeError):  # a layer that was defined at a prompt
        return {"file": "", "first": 0, "lines": []}
    name = path.relative_to(PACKAGE.parent) if path.is_relative_to(PACKAGE) else path.name
    indent = len(lines[0]) - len(lines[0].lstrip())
    return {
        "file": str(name),
        "first": first,
        "lines": [line[indent:].rstrip() if line.strip() else "" for line in lines],
    }
