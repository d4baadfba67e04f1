"""R-CNN's layers against OpenCV's importer, by the cases of tools/record_rcnn_with_opencv.py."""

from pathlib import Path

import numpy as np
import pytest

from caffe_lite.backend import get_ops
from caffe_lite.nets.net import Net
from caffe_lite.proto import schema, text

RECORD = np.load(Path(__file__).parents[2] / "reference/forks/rcnn_opencv.npz")
RECORDED = sorted({name.split("/")[0] for name in RECORD.files})


@pytest.mark.parametrize("case", RECORDED)
def test_outputs_are_those_of_opencv(case):
    param = text.parse(str(RECORD[f"{case}/net"]), schema.NetParameter)
    start = f"{case}/in/"
    with Net(param, phase=schema.TEST, ops=get_ops(dtype="float32")) as net:
        for name in RECORD.files:
            if name.startswith(start):
                net.blobs[name[len(start) :]].data[...] = RECORD[name]
        net.forward()
        mine, expected = net.blobs["y"].data, RECORD[f"{case}/out"]
    assert mine.size == expected.size > 20
    np.testing.assert_allclose(mine, expected.reshape(mine.shape), rtol=1e-4, atol=1e-4)
