"""SSD's layers against OpenCV's importer, by the cases of tools/record_ssd_with_opencv.py."""

from pathlib import Path

import numpy as np
import pytest

from caffe_lite.backend import get_ops
from caffe_lite.nets.net import Net
from caffe_lite.proto import schema, text

RECORD = np.load(Path(__file__).parents[2] / "reference/forks/ssd_opencv.npz")
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
            blob = net.layers[net.layer_index(layer)].blobs[int(index)]
            blob.data[...] = array
        for name, array in parts(case, "in").items():
            net.blobs[name].data[...] = array
        net.forward()
        mine, expected = net.blobs["y"].data, RECORD[f"{case}/out"]
    if expected.shape[-1] == 7:
        mine, expected = (by_image_and_label(rows) for rows in (mine, expected))
        assert len(expected) > 5
    np.testing.assert_allclose(mine, expected.reshape(mine.shape), rtol=1e-4, atol=1e-4)


def by_image_and_label(rows):
    """Detections in the order (image, label, descending score)."""
    rows = rows.reshape(-1, 7)
    return rows[np.lexsort((-rows[:, 2], rows[:, 1], rows[:, 0]))]
