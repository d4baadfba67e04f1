"""HDF5Output: what the file holds."""

import h5py
import numpy as np

from caffe_lite.testing import make_layer
from tests.layers.helpers import fails, normal


def test_every_forward_appends(tmp_path):
    path = tmp_path / "rows.h5"
    run = make_layer(
        f'type: "HDF5Output" hdf5_output_param {{ file_name: "{path}" }}',
        [normal(3, 2, 4), [5.0, 6, 7]],
        tops=0,
    )
    assert not path.exists()
    expected = []
    for _ in range(2):
        run.bottom[0].data[...] = normal(3, 2, 4)
        expected.append(run.bottom[0].data.copy())
        run.forward()
    (ddata, dlabel), _ = run.backward(propagate_down=[True, True])
    assert not ddata.any()
    assert not dlabel.any()
    run.layer.close()
    with h5py.File(path) as file:
        np.testing.assert_array_equal(file["data"], np.concatenate(expected)[..., None])
        np.testing.assert_array_equal(file["label"][:, 0, 0, 0], [5, 6, 7, 5, 6, 7])


def test_errors(tmp_path):
    def text(path):
        return f'type: "HDF5Output" hdf5_output_param {{ file_name: "{path}" }}'

    fails(text(""), [normal(2), normal(2)], "file_name", tops=0)
    fails(text("/nowhere/a.h5"), [normal(2), normal(2)], "/nowhere/a.h5: cannot be created", tops=0)
    fails(text(tmp_path / "a"), [normal(2), normal(3)], "same first dimension", tops=0)
    fails(text(tmp_path / "a"), [normal(2, 1, 1, 1, 1), normal(2)], "1 to 4 axes", tops=0)
