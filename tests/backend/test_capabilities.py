"""What a backend says about its device, for callers in other packages."""

import pytest

from caffe_lite.backend import get_ops
from caffe_lite.errors import BackendError
from tests.backend.cpu import each_backend, make_ops
from tests.backend.standin.cupy_module import installed


@each_backend
def test_a_cpu_backend_is_on_the_host_and_records_nothing(kind):
    ops = make_ops(kind)
    assert ops.on_host and not ops.can_capture
    ops.set_update_controls(0.1, 0.5, 3)  # nothing to set
    with pytest.raises(BackendError, match="^cpu cannot record work; only a GPU can$"):
        ops.capture(lambda: None)


def test_a_gpu_backend_is_not_on_the_host_and_records():
    with installed():
        ops = get_ops(0, "float64")
        assert not ops.on_host and ops.can_capture
        x = ops.zeros((3,))
        ops.clear([x])  # what runs once needs no copies when it is recorded
        ops.capture(lambda: ops.clear([x])).replay()
