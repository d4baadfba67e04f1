"""How BVLC Caffe 1.0 wired small nets: layers, blobs, shapes, learned blobs, inputs, outputs.

`tests/reference/wiring.json` holds what it reported for each net of `tests/reference/wiring`.
"""

import json
from pathlib import Path

import pytest

from caffe_lite.nets.net import Net
from caffe_lite.proto import schema

REFERENCE = Path(__file__).parents[1] / "reference"
RECORDED = json.loads((REFERENCE / "wiring.json").read_text())


@pytest.mark.parametrize("case", RECORDED)
def test_wired_as_recorded(case):
    file, phase = case.rsplit(" ", 1)
    want = RECORDED[case]
    with Net(REFERENCE / "wiring" / file, getattr(schema, phase)) as net:
        assert [
            dict(
                name=layer.name,
                type=layer.type,
                bottoms=net.bottom_names[layer.name],
                tops=net.top_names[layer.name],
            )
            for layer in net.layers
        ] == want["layers"]
        shapes = {name: list(blob.shape) for name, blob in net.blobs.items()}
        assert list(shapes.items()) == list(want["blobs"].items())
        params = {name: [list(blob.shape) for blob in blobs] for name, blobs in net.params.items()}
        assert params == want["params"]
        assert net.inputs == want["inputs"]
        assert net.outputs == want["outputs"]
