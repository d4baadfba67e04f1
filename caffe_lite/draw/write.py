"""A graph in the form that a file's ending names."""

from __future__ import annotations

from caffe_lite.draw.dot import to_dot
from caffe_lite.draw.graph import Graph
from caffe_lite.draw.page import to_page
from caffe_lite.draw.png import to_png
from caffe_lite.draw.scene import make_scene
from caffe_lite.draw.svg import to_svg
from caffe_lite.errors import UsageError

FORMS = ("svg", "png", "dot", "html")


def encode(graph: Graph, form: str, direction: str = "TB") -> bytes:
    """The drawing as the bytes of a file of the form svg, png, dot or html.

    `direction` is TB, from top to bottom, or LR, from left to right. Raises UsageError for another
    form.
    """
    if form == "dot":
        return to_dot(graph, direction).encode()
    scene = make_scene(graph, direction)
    if form == "png":
        return to_png(scene)
    if form == "svg":
        return to_svg(scene).encode()
    if form == "html":
        return to_page(graph, scene).encode()
    raise UsageError(f"drawings have the form {', '.join(FORMS)}, not {form}")
