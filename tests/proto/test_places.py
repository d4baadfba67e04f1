"""Where a layer's type stands in a file."""

import pytest

from caffe_lite.proto.places import type_place

NET = """# layer { name: "b" type: "Gone" }
name: "Gone"
layer { name: "a" type: "Gone" top: "x"
        param { name: "b" } include { stage: "b" } }
layer {
  type: 'Gone'
  name: "b" bottom: "x"
}
layer < name: "c" top: "type: 'Odd' name: 'd'" >
net_param { layer { name: "d" type: "Odd" } }
"""


@pytest.mark.parametrize(
    ("layer", "kind", "place"),
    [
        ("a", "Gone", "3:25"),
        ("b", "Gone", "6:9"),
        ("c", "", "9:1"),
        ("d", "Odd", "10:37"),
    ],
)
def test_the_layer_of_that_name_and_type(tmp_path, layer, kind, place):
    file = tmp_path / "net.prototxt"
    file.write_text(NET)
    assert type_place(file, layer, kind) == f"{file}:{place}: "


def test_no_place_without_such_a_layer_or_a_text(tmp_path):
    file = tmp_path / "net.prototxt"
    file.write_text(NET)
    assert type_place(file, "a", "Odd") == ""
    assert type_place(tmp_path / "gone.prototxt", "a", "Gone") == ""
    file.write_bytes(b"\x0a\x01\xff\x00layer")
    assert type_place(file, "a", "Gone") == ""
