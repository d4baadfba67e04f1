"""The table of differences."""

import numpy as np
import pytest

from caffe_lite.export.proof import difference, prove
from caffe_lite.nets.net import Net
from caffe_lite.proto import load, schema

NET = """
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
layer { name: "double" type: "Power" bottom: "x" top: "double" power_param { scale: 2 } }
layer { name: "sum" type: "Eltwise" bottom: "x" bottom: "double" top: "sum" }"""


@pytest.fixture
def net():
    return Net(load.decode(NET.encode(), schema.NetParameter, "net.prototxt"), seed=0)


def trial(rows):
    return {"x": np.linspace(-1, 2, 3 * rows, dtype=np.float32).reshape(rows, 3)}


def test_equal_nets(net):
    proof = prove(net, lambda x: {"sum": 3 * x["x"], "double": 2 * x["x"]}, [trial(2), trial(5)])
    assert [row.blob for row in proof.rows] == ["double", "sum"] * 2
    assert proof.exit_code == 0
    assert "2 blobs compared, all within 0.0001" in proof.text()
    assert "inputs: x 5x3" in proof.text()


def test_the_first_blob_that_differs_is_named(net):
    wrong = prove(net, lambda x: {"sum": 3 * x["x"], "double": 2.01 * x["x"]}, [trial(2)])
    assert wrong.exit_code == 1
    assert wrong.first_difference.blob == "double"
    assert 'the first that differs is "double", by 5.0e-03 (tolerance 0.0001)' in wrong.text()


def test_nothing_in_common_is_no_proof(net):
    proof = prove(net, lambda x: {}, [trial(2)])
    assert proof.exit_code == 1
    assert "nothing was compared" in proof.text()


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        ([1.0, -4.0], [1.0, -3.0], 0.25),
        ([0.0, 0.0], [0.0, 0.5], 0.5),
        ([1.0, np.nan], [1.0, np.nan], 0.0),
        ([1.0, np.nan], [1.0, 2.0], np.inf),
        ([1.0, 2.0], [1.0, np.nan], np.inf),
        ([np.inf, 2.0], [-np.inf, 2.0], np.inf),
        ([1.0, 2.0], [1.0, 2.0, 3.0], np.inf),
        ([], [], 0.0),
    ],
)
def test_difference(ours, theirs, expected):
    assert difference(np.array(ours), np.array(theirs)) == expected
