"""Layers of forks against OpenCV's importer, by the cases of tools/record_forks_with_opencv.py."""

from pathlib import Path

import numpy as np
import pytest

from caffe_lite.backend import get_ops
from caffe_lite.nets.net import Net
from caffe_lite.proto import schema, text

RECORD = np.load(Path(__file__).parents[1] / "reference/forks/layers_opencv.npz")
RECORDED = sorted({name.split("/")[0] for name in RECORD.files})


def parts(case, kind):
    start = f"{case}/{kind}/"
    return {name[len(start) :]: RECORD[name] for name in RECORD.files if name.startswith(start)}


@pytest.mark.parametrize("case", RECORDED)
def test_outputs_are_those_of_opencv(case):
    param = text.parse(str(RECORD[f"{case}/net"]), schema.NetParameter)
    with Net(param, phase=schema.TEST, ops=get_ops(dtype="float32")) as net:
        for key, array in parts(case, "blob").items():
            layer, index = key.split("/")
            net.params[layer][int(index)].data[...] = array
        for name, array in parts(case, "in").items():
            net.blobs[name].data[...] = array
        net.forward()
        np.testing.assert_allclose(net.blobs["y"].data, RECORD[f"{case}/out"], rtol=1e-4, atol=1e-4)
