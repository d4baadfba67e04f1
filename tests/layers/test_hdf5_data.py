"""HDF5Data: order, shapes, shuffling, resuming and broken files."""

import threading

import h5py
import numpy as np
import pytest

from caffe_lite.errors import DataError
from caffe_lite.testing import make_layer
from tests.layers.sources import batches, check_resume, fails_with, write_rows


def text(source, options="batch_size: 5", rest=""):
    return (
        f'type: "HDF5Data" top: "data" top: "label" {rest} '
        f'hdf5_data_param {{ source: "{source}" {options} }}'
    )


def test_rows_in_order_over_the_files_borders(tmp_path):
    run = make_layer(text(write_rows(tmp_path)))
    assert [blob.shape for blob in run.top] == [(5, 2, 3), (5,)]
    ids = []
    for data, label in batches(run, 6):
        np.testing.assert_array_equal(data, label[:, None, None] * 100 + np.arange(6).reshape(2, 3))
        ids.extend(label)
    np.testing.assert_array_equal(ids, np.arange(30) % 13)
    run.layer.close()


def test_a_batch_larger_than_all_rows_and_one_top(tmp_path):
    source = write_rows(tmp_path, (2,))
    run = make_layer(
        f'type: "HDF5Data" top: "label" hdf5_data_param {{ source: "{source}" batch_size: 7 }}'
    )
    np.testing.assert_array_equal(run.forward()[0], [0, 1, 0, 1, 0, 1, 0])
    run.layer.close()


def test_shuffle_covers_every_row_once_per_pass(tmp_path):
    run = make_layer(text(write_rows(tmp_path), "batch_size: 13 shuffle: true"))
    passes = [tuple(label) for _, label in batches(run, 3)]
    for ids in passes:
        assert sorted(ids) == list(range(13))
    assert len({*passes, tuple(range(13))}) == 4
    run.layer.close()


@pytest.mark.parametrize("before", [0, 1, 4])
def test_resume(tmp_path, before):
    check_resume(text(write_rows(tmp_path), "batch_size: 5 shuffle: true"), before, 6)


def test_the_thread_starts_with_forward_and_ends_with_close(tmp_path):
    def readers():
        return [thread for thread in threading.enumerate() if thread.name == "prefetch"]

    count = len(readers())
    run = make_layer(text(write_rows(tmp_path)))
    assert len(readers()) == count
    run.forward()
    assert len(readers()) == count + 1
    run.layer.close()
    assert len(readers()) == count


def test_a_later_broken_file_is_raised_by_its_forward(tmp_path):
    source = write_rows(tmp_path)
    (tmp_path / "1.h5").write_bytes((tmp_path / "1.h5").read_bytes()[:100])
    run = make_layer(text(source, "batch_size: 4"))
    run.forward()
    for _ in range(2):
        with pytest.raises(DataError, match=r'layer "layer" \(HDF5Data\): .*1\.h5: cannot be read'):
            run.forward()
    run.layer.close()


def test_errors(tmp_path):
    source = write_rows(tmp_path)
    fails_with(text("/nowhere.txt"), "/nowhere.txt", "no such file")
    fails_with(text(source, "batch_size: 0"), "batch_size must be at least 1")
    fails_with(text(source, rest="transform_param { scale: 2 }"), "drop transform_param")
    fails_with(
        f'type: "HDF5Data" top: "pixels" hdf5_data_param {{ source: "{source}" batch_size: 1 }}',
        'no dataset "pixels"',
        "data, label",
    )
    with h5py.File(tmp_path / "0.h5", "a") as file:
        del file["label"]
        file["label"] = np.zeros(3)
    fails_with(text(source), "0.h5", '"data" has 4 rows, "label" 3')
