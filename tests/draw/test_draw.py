"""Nets as graphs: what is connected, what is said of layers, and files in each form."""

import io
import json
import re
import xml.etree.ElementTree as ElementTree

import pytest
from PIL import Image

from caffe_lite.draw.graph import net_graph
from caffe_lite.draw.scene import make_scene
from caffe_lite.draw.write import encode
from caffe_lite.errors import UsageError
from caffe_lite.proto import schema, text

NET = """
name: "two <ways>"
layer { name: "train" type: "DummyData" top: "data" top: "label" include { phase: TRAIN }
        dummy_data_param { shape { dim: 5 dim: 3 dim: 8 dim: 6 } shape { dim: 5 } } }
layer { name: "test" type: "DummyData" top: "data" top: "label" include { phase: TEST }
        dummy_data_param { shape { dim: 2 dim: 3 dim: 8 dim: 6 } shape { dim: 2 } } }
layer { name: "a" type: "Convolution" bottom: "data" top: "a"
        param { name: "w" } param { name: "b" }
        convolution_param { num_output: 4 kernel_size: 3 pad: 1 stride: 2 } }
layer { name: "relu" type: "ReLU" bottom: "a" top: "a" }
layer { name: "drop" type: "Dropout" bottom: "a" top: "a" include { phase: TRAIN } }
layer { name: "b" type: "Convolution" bottom: "data" top: "b"
        param { name: "w" } param { name: "b" }
        convolution_param { num_output: 4 kernel_h: 3 kernel_w: 3 pad: 1 stride: 2 } }
layer { name: "sum" type: "Eltwise" bottom: "a" bottom: "b" top: "sum" }
layer { name: "ip" type: "InnerProduct" bottom: "sum" top: "ip"
        inner_product_param { num_output: 7 } include { stage: "deep" } }
layer { name: "flat" type: "Flatten" bottom: "sum" top: "ip" exclude { stage: "deep" } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
"""


def graph(phase="TRAIN", **options):
    return net_graph(text.parse(NET, schema.NetParameter), phase, **options)


def names(graph):
    return [[part.name for part in box.parts] for box in graph.boxes]


def connections(graph):
    named = {box.key: box.parts[0].name for box in graph.boxes}
    return [(named[line.start], named[line.end], line.blob) for line in graph.lines]


def test_in_place_layers_are_attached():
    found = graph(stages=["deep"])
    assert names(found) == [
        ["train"],
        ["a", "relu", "drop"],
        ["b"],
        ["sum"],
        ["ip"],
        ["loss"],
    ]
    assert connections(found) == [
        ("train", "a", "data"),
        ("train", "b", "data"),
        ("a", "sum", "a"),
        ("b", "sum", "b"),
        ("sum", "ip", "sum"),
        ("ip", "loss", "ip"),
        ("train", "loss", "label"),
    ]


def test_phases_and_stages():
    assert ["a", "relu"] in names(graph("TEST")) and ["flat"] in names(graph("TEST"))
    both = graph("ALL")
    only = {part.name: part.only for box in both.boxes for part in box.parts}
    assert {name: phase for name, phase in only.items() if phase} == {
        "train": "TRAIN",
        "test": "TEST",
        "drop": "TRAIN",
    }
    assert {("train", "a", "data"), ("test", "a", "data")} <= set(connections(both))
    assert {("a", "sum", "a"), ("drop", "sum", "a")} <= set(connections(both))


def test_shapes_facts_and_shared_weights():
    found = graph()
    boxes = {box.parts[0].name: box for box in found.boxes}
    assert found.label(boxes["train"], "data") == "data  5×3×8×6"
    assert found.label(boxes["a"], "a") == "5×4×4×3"
    assert found.label(boxes["loss"], "loss") == "scalar"
    a, b = boxes["a"].parts[0], boxes["b"].parts[0]
    assert a.facts == "4 · 3×3 /2, pad 1" and b.facts == a.facts
    assert (a.shares, b.shares) == ({}, {"w": "a", "b": "a"})
    assert [box.parts[0].kind for box in found.boxes][:3] == ["data", "weights", "weights"]


def test_shapes_that_are_not_known_are_left_out():
    late = 'layer { name: "late" type: "ReLU" bottom: "b" top: "b" }'  # after sum has taken b
    found = net_graph(text.parse(NET + late, schema.NetParameter), "TEST")
    assert names(found)[-1] == ["late"] and not found.shapes
    assert connections(found)[-1] == ("b", "late", "b")
    assert found.notes[0].startswith('shapes in phase TEST are not known: layer "late"')


@pytest.mark.parametrize("direction", ["TB", "LR"])
def test_boxes_do_not_overlap_and_makers_come_first(direction):
    found = graph("ALL")
    scene = make_scene(found, direction)
    rects = scene.rects
    assert len(rects) == sum(len(box.parts) for box in found.boxes)
    for i, one in enumerate(rects):
        assert 0 <= one.x and one.x + one.width <= scene.width
        assert 0 <= one.y and one.y + one.height <= scene.height
        for other in rects[i + 1 :]:
            apart = (
                one.x + one.width <= other.x + 1e-6
                or other.x + other.width <= one.x + 1e-6
                or one.y + one.height <= other.y + 1e-6
                or other.y + other.height <= one.y + 1e-6
            )
            assert apart, (one.title, other.title)
    place = {scene.parts[r.part].name: (r.y if direction == "TB" else r.x) for r in rects}
    for start, end, _ in connections(found):
        assert place[start] < place[end]


def test_svg_is_whole_and_escaped():
    root = ElementTree.fromstring(encode(graph(), "svg"))
    texts = {each.text for each in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {"two <ways>", "a", "relu · ReLU", "weights of a", "5×4×4×3"} <= texts
    assert len(list(root.iter("{http://www.w3.org/2000/svg}path"))) == 1 + 7  # and the arrow's head


@pytest.mark.parametrize("with_matplotlib", [True, False])
def test_png_has_the_colours_of_its_boxes(with_matplotlib, monkeypatch):
    from caffe_lite.draw import png

    png._font.cache_clear()
    if not with_matplotlib:
        monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    scene = make_scene(graph(), "LR")
    picture = Image.open(io.BytesIO(png.to_png(scene, 1.0)))
    png._font.cache_clear()
    assert picture.size == (round(scene.width), round(scene.height))
    for rect in scene.rects:
        red, green, blue = picture.getpixel((int(rect.x + 4), int(rect.y + rect.height / 2)))
        assert f"#{red:02x}{green:02x}{blue:02x}" == rect.fill


def test_dot():
    lines = encode(graph("ALL"), "dot", "LR").decode().splitlines()
    assert lines[0] == 'digraph "two <ways>" {' and "  rankdir=LR;" in lines
    assert any(r'label="a (Convolution)\n4 · 3×3 /2, pad 1\nrelu (ReLU)"' in each for each in lines)
    assert '  n0 -> n2 [label="data  5×3×8×6"];' in lines


def test_the_page_is_one_file_with_every_layer():
    hostile = NET.replace('name: "sum"', 'name: "</script><b>@STYLE@"')
    found = net_graph(text.parse(hostile, schema.NetParameter), "ALL")
    page = encode(found, "html").decode()
    assert "https:" not in page and "src=" not in page and 'href="' not in page
    assert "</script><b>" not in page and "@STYLE@" in page
    content = re.search(r'id="content">(.*?)</script>', page, re.S)[1]
    layers = json.loads(content)["layers"]
    assert [layer["name"] for layer in layers].count("relu") == 1
    (conv,) = (layer for layer in layers if layer["name"] == "a")
    assert conv["tops"] == ["a 5×4×4×3"] and "kernel_size: 3" in conv["prototxt"]
    assert json.loads(content)["docs"]["Eltwise"].startswith("# Eltwise")
    assert page.count("<title>two &lt;ways&gt;</title>") == 2 and page.count("<h1>two &lt;") == 1


def test_an_unknown_form():
    with pytest.raises(UsageError, match="drawings have the form svg, png, dot, html, not gif"):
        encode(graph(), "gif")
