"""Blob: shapes, lazy memory, sharing, starting values."""

import numpy as np
import pytest

from caffe_lite.backend import get_ops
from caffe_lite.blob import Blob, BlobVec
from caffe_lite.errors import CaffeError
from caffe_lite.host_blob import HostBlobs


@pytest.fixture
def ops():
    return get_ops()


def test_memory_is_allocated_on_first_use_and_starts_at_zero(ops):
    blob = Blob(ops, 2, 3)
    assert not blob.has_data and not blob.has_diff
    assert blob.data.shape == (2, 3) and blob.data.dtype == np.float32
    assert not blob.data.any()
    assert blob.has_data and not blob.has_diff


def test_reshape_takes_numbers_or_a_shape(ops):
    blob = Blob(ops)
    assert blob.shape == () and blob.count == 1
    blob.reshape(4, 5)
    assert blob.shape == (4, 5) and blob.count == 20
    blob.reshape([2, 3])
    assert blob.shape == (2, 3)
    blob.reshape((7,))
    assert blob.data.shape == (7,)


def test_a_smaller_shape_keeps_the_memory(ops):
    blob = Blob(ops, 4, 5)
    blob.data[...] = np.arange(20).reshape(4, 5)
    blob.reshape(2, 3)
    assert blob.data.tolist() == [[0, 1, 2], [3, 4, 5]]
    blob.reshape(4, 5)
    assert blob.data[3, 4] == 19


def test_writing_through_an_old_view_is_seen(ops):
    blob = Blob(ops, 3)
    view = blob.data
    view[1] = 7
    assert blob.data[1] == 7


@pytest.mark.parametrize("shape", [(-1,), (2, -3), (2**16, 2**16)])
def test_impossible_shapes_are_refused(ops, shape):
    with pytest.raises(CaffeError, match="non-negative and hold at most"):
        Blob(ops, *shape)


def test_sharers_see_each_other_even_after_growth(ops):
    owner, sharer = Blob(ops, 6), Blob(ops, 2, 3)
    sharer.share_data(owner)
    owner.data[5] = 4
    assert sharer.data[1, 2] == 4
    owner.reshape(8)
    owner.data[0] = 9
    assert sharer.data[0, 0] == 9
    sharer.diff[...] = 1
    assert not owner.has_diff


def test_sharing_a_smaller_blob_is_refused(ops):
    with pytest.raises(CaffeError, match="4 elements cannot share the memory of one of 3"):
        Blob(ops, 4).share_data(Blob(ops, 3))


def test_starting_values_are_drawn_on_first_use_only(ops):
    calls = []

    def initial(data):
        calls.append(data.shape)
        data[...] = 5

    blob = Blob(ops, 2, 2)
    blob.fill_on_first_use(initial)
    assert not calls, "the filler ran before the data was used"
    assert blob.data.tolist() == [[5, 5], [5, 5]]
    assert blob.data[0, 0] == 5 and len(calls) == 1


def test_loading_does_not_run_the_filler(ops):
    blob = Blob(ops, 2)
    blob.fill_on_first_use(lambda data: pytest.fail("starting values were drawn"))
    blob.load([1, 2])
    assert blob.data.tolist() == [1, 2]


def test_a_sharer_has_the_owners_starting_values(ops):
    owner, sharer = Blob(ops, 2), Blob(ops, 2)
    owner.fill_on_first_use(lambda data: data.fill(3))
    sharer.fill_on_first_use(lambda data: data.fill(4))
    sharer.share_data(owner)
    assert sharer.data.tolist() == [3, 3]


def test_release_frees_the_memory(ops):
    blob = Blob(ops, 3)
    blob.data[...] = 1
    blob.release()
    assert not blob.has_data and not blob.data.any()


def test_legacy_axes_count_from_the_front_and_are_one_where_missing(ops):
    blob = Blob(ops, 5, 6)
    assert (blob.num, blob.channels, blob.height, blob.width) == (5, 6, 1, 1)
    with pytest.raises(CaffeError, match="at most 4 axes"):
        _ = Blob(ops, 1, 2, 3, 4, 5).num


def test_blob_vec_appends_blobs(ops):
    blobs = BlobVec(ops)
    assert blobs.add_blob(2, 3).shape == (2, 3)
    assert len(blobs) == 1


class DeviceOps:
    """A device of which the host sees copies."""

    on_host, dtype = False, np.dtype(np.float32)

    @staticmethod
    def zeros(shape):
        return np.zeros(shape, np.float32)

    @staticmethod
    def to_host(array):
        return array.copy()

    asarray = staticmethod(np.asarray)


def test_host_views_go_back_to_the_device_on_flush():
    ops = DeviceOps()
    blob = Blob(ops, 2)
    views = HostBlobs(ops)
    host = views.wrap(blob)
    host.data[...] = [1, 2]
    assert not blob.data.any()
    views.flush()
    assert blob.data.tolist() == [1, 2]
    assert host.shape == (2,) and host.data.tolist() == [1, 2]


def test_host_views_of_shared_memory_are_one():
    ops = DeviceOps()
    owner, sharer = Blob(ops, 6), Blob(ops, 2, 3)
    sharer.share_data(owner)
    views = HostBlobs(ops)
    first, second = views.wrap_all([owner, sharer])
    first.data[4] = 8
    assert second.data[1, 1] == 8


def test_host_views_that_are_joined_are_one():
    ops = DeviceOps()
    owner, sharer = Blob(ops, 2), Blob(ops, 2)
    sharer.share_data(owner)
    views, others = HostBlobs(ops), HostBlobs(ops)
    views.wrap(owner).data[...] = [1, 2]
    others.join(views)
    assert owner.data.tolist() == [1, 2]
    views.wrap(owner).data[1] = 3
    assert others.wrap(sharer).data.tolist() == [1, 3]
    others.flush()
    assert owner.data.tolist() == [1, 3]


def test_host_views_of_a_blob_that_is_gone_are_not_those_of_the_next():
    ops = DeviceOps()
    views = HostBlobs(ops)
    for _ in range(10):  # the memory of a blob that is gone is soon that of another
        host = views.wrap(Blob(ops, 2))
        for array in (host.data, host.diff):
            assert not array.any(), "the array is that of an earlier blob"
            array[...] = 5


def test_on_the_host_a_blob_is_its_own_view(ops):
    blob = Blob(ops, 2)
    assert HostBlobs(ops).wrap(blob) is blob
