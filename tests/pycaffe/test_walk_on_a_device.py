"""The same walk with blobs that live on a device, a stand-in for it, and are seen from the host."""

import numpy as np
import pytest

import caffe_lite.pycaffe as caffe
from tests.backend.standin.cupy_module import installed
from tests.pycaffe.image_nets import NET
from tests.pycaffe.test_walk import ARRAYS, VALUES
from tests.pycaffe.walk import SOLVER, TRAIN, walk


@pytest.fixture
def device():
    with installed():
        caffe.set_mode_gpu()
        yield
    caffe.set_mode_cpu()


def test_everything_is_as_on_the_host(device, tmp_path):
    arrays, values = walk(caffe, tmp_path)
    for name in ARRAYS.files:
        np.testing.assert_allclose(arrays[name], ARRAYS[name], rtol=1e-4, atol=1e-5, err_msg=name)
    assert values == VALUES


def test_what_is_written_counts_for_nets_that_share(device, tmp_path):
    path = tmp_path / "net.prototxt"
    path.write_text(NET)
    first, second = (caffe.Net(str(path), caffe.TEST) for _ in range(2))
    assert first.core.ops.name == "gpu:0"
    second.share_with(first)
    first.params["fc"][0].data[...] = 0
    first.params["fc"][1].data[...] = [0, 0, np.log(2), 0, 0]
    np.testing.assert_allclose(second.forward()["prob"][3], [1 / 6, 1 / 6, 1 / 3, 1 / 6, 1 / 6])
    second.params["fc"][1].data[4] = 7
    assert first.params["fc"][1].data[4] == 7


def test_what_is_written_counts_for_test_nets(device, tmp_path):
    (tmp_path / "train.prototxt").write_text(TRAIN)
    path = tmp_path / "solver.prototxt"
    path.write_text(SOLVER.format(folder=tmp_path))
    solver = caffe.get_solver(str(path))
    solver.net.params["ip"][0].data[...] = 2
    test_net = solver.test_nets[0]
    test_net.forward()
    np.testing.assert_allclose(test_net.blobs["y"].data, 2 * 3 * 1.5)
