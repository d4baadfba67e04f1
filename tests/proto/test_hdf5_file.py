"""HDF5 files on a disk that fills up: an error, never the end of the process."""

import errno
import subprocess
import sys

import h5py
import numpy as np
import pytest

from caffe_lite.proto.hdf5_file import new_hdf5

FULL_DISK = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
"""


def fill(file, blobs=8):
    for i in range(blobs):
        file[f"group/{i}/data"] = np.full((700,), i, np.float32)
        file.create_dataset(f"gz/{i}", data=np.arange(900), chunks=(100,), compression="gzip")


def test_the_file_is_that_of_h5py(tmp_path):
    with new_hdf5(tmp_path / "new.h5", libver="earliest", userblock_size=1024) as file:
        fill(file)
    with h5py.File(tmp_path / "new.h5") as file:
        assert file.userblock_size == 1024
        np.testing.assert_array_equal(file["group/5/data"], np.full((700,), 5))
        np.testing.assert_array_equal(file["gz/7"], np.arange(900))


def on_a_full_disk(limit, code, tmp_path):
    """The lines that `code` prints where no file can grow beyond `limit` bytes."""
    environment = {"PYTHONPATH": ":".join(sys.path), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK.format(limit=limit) + code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


@pytest.mark.parametrize("limit", [0, 100, 5000, 30000])
def test_a_full_disk_is_an_oserror(tmp_path, limit):
    assert (
        on_a_full_disk(
            limit,
            """
from tests.proto.test_hdf5_file import fill
from caffe_lite.proto.hdf5_file import new_hdf5
for _ in range(3):
    try:
        with new_hdf5("new.h5") as file:
            fill(file)
    except OSError as error:
        print(error.errno)
""",
            tmp_path,
        )
        == [str(errno.EFBIG)] * 3
    )


def test_appended_rows_on_a_full_disk(tmp_path):
    lines = on_a_full_disk(
        20000,
        """
import numpy as np
from caffe_lite.data.hdf5_writer import RowWriter
from caffe_lite.errors import DataError
writer = RowWriter("rows.h5")
for _ in range(12):
    try:
        writer.append(x=np.ones((100, 7), np.float32))
    except DataError as error:
        print(error)
writer.close()
""",
        tmp_path,
    )
    assert 4 <= len(lines) < 12
    assert all(line.startswith("rows.h5: cannot be written: ") for line in lines)
