"""HDF5 files of strangers: what refers to other files or multiplies is refused."""

import os
import time
import zlib

import h5py
import numpy as np
import pytest

from caffe_lite.data.hdf5 import read_datasets
from caffe_lite.errors import DataError, ModelError, SolverError
from caffe_lite.proto.hdf5_input import MOST_INFLATION, SMALL, Hdf5Input
from caffe_lite.weights import read_weights
from caffe_lite.weights.solverstate import read_solverstate


@pytest.fixture
def secret(tmp_path):
    """Two files beside the one that is read: numbers in HDF5, and plain bytes."""
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["numbers"] = np.arange(6.0)
    (tmp_path / "secret.bin").write_bytes(bytes(range(48)))
    return tmp_path


def external_link(file, name):
    file[name] = h5py.ExternalLink("secret.h5", "/numbers")


def external_storage(file, name):
    file.create_dataset(name, (6,), "f8", external=[("secret.bin", 0, 48)])


def virtual_dataset(file, name):
    layout = h5py.VirtualLayout((6,), "f8")
    layout[:] = h5py.VirtualSource("secret.h5", "numbers", (6,))
    file.create_virtual_dataset(name, layout)


def soft_link_out(file, name):
    file["way"] = h5py.ExternalLink("secret.h5", "/")
    parent, _, _ = name.rpartition("/")
    file.require_group(parent or "/")
    file[name] = h5py.SoftLink("/way/numbers")


OUTSIDE = (external_link, external_storage, virtual_dataset, soft_link_out)


@pytest.mark.parametrize("put", OUTSIDE)
def test_values_of_other_files_are_refused(secret, monkeypatch, put):
    monkeypatch.chdir(secret)
    with h5py.File("data.h5", "w") as file:
        put(file, "data")
    assert h5py.File("data.h5")["data"][3] is not None  # HDF5 itself reads it
    with pytest.raises(DataError, match=r'^data.h5: ".*" (is a link to|keeps its values in) anot'):
        read_datasets("data.h5", ["data"])
    with h5py.File("net.h5", "w") as file:
        put(file, "data/ip/0")
    with pytest.raises(ModelError, match=r'^net.h5: ".*" (is a link to|keeps its values in) anot'):
        read_weights("net.h5")
    with h5py.File("run.h5", "w") as file:
        file["iter"], file["current_step"] = [3], [0]
        put(file, "history/0")
    with pytest.raises(SolverError, match=r'^run.h5: ".*" (is a link to|keeps its values in) anot'):
        read_solverstate("run.h5")


def test_soft_links_within_the_file_are_followed(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["rows/here"] = np.arange(4.0)
        file["data"] = h5py.SoftLink("/rows/here")
        file["rows/there"] = h5py.SoftLink("here")
        file["self"] = h5py.SoftLink("self")
    for name in ("data", "rows/there"):
        np.testing.assert_array_equal(read_datasets(str(tmp_path / "a.h5"), [name])[0], range(4))
    with pytest.raises(DataError, match="too many links"):
        read_datasets(str(tmp_path / "a.h5"), ["self"])


def test_groups_in_circles_end_at_once(tmp_path):
    path = tmp_path / "circle.h5"
    with h5py.File(path, "w") as file:
        group = file.create_group("data")
        for _ in range(40):  # 2^40 ways from the first group to the last
            below = group.create_group("a")
            group["b"] = below
            group = below
        group["0"] = np.ones(3)
    start = time.process_time()
    with pytest.raises(ModelError, match="is linked more than once"):
        read_weights(path)
    assert time.process_time() - start < 2


@pytest.mark.parametrize("chunks", [None, (1 << 20,)])
def test_declared_sizes_are_bounded_by_the_file(tmp_path, chunks):
    path = tmp_path / "large.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("data", (1 << 32,), "f4", chunks=chunks)
    says = (
        f'large.h5: "/data" makes {1 << 34} bytes of arrays, the file has {os.stat(path).st_size}'
    )
    with pytest.raises(DataError, match=says):
        read_datasets(str(path), ["data"])


def test_contiguous_values_lie_in_the_file(tmp_path):
    path = tmp_path / "short.h5"
    with h5py.File(path, "w") as file:
        file["data"] = np.arange(600.0)
    whole = path.read_bytes()
    size, shape = (600 * 8).to_bytes(8, "little"), (600).to_bytes(8, "little")
    assert whole.count(shape) == 2 and whole.count(size) == 1  # current and greatest shape
    larger = whole.replace(shape, (6000).to_bytes(8, "little"))
    path.write_bytes(larger.replace(size, (48000).to_bytes(8, "little")))
    with pytest.raises(DataError, match=r"short\.h5"):
        read_datasets(str(path), ["data"])


def test_inflation_is_bounded(tmp_path):
    """1,000 times the file: as much as gzip can."""
    path = tmp_path / "inflated.solverstate.h5"
    count = 16 << 20
    with h5py.File(path, "w") as file:
        file["iter"], file["current_step"] = [3], [0]
        file.create_dataset("history/0", data=np.zeros(count, "f4"), compression="gzip")
    assert 4 * count > MOST_INFLATION * path.stat().st_size
    with pytest.raises(SolverError, match=f"at most {MOST_INFLATION} times the file are read"):
        read_solverstate(path)


def test_the_sum_of_the_arrays_is_bounded(tmp_path):
    path = tmp_path / "many.h5"
    with h5py.File(path, "w") as file:
        for i in range(5):
            file.create_dataset(f"data/ip/{i}", (SMALL // 4,), "u1", chunks=(SMALL // 4,))
    with pytest.raises(ModelError, match='"/data/ip/4" makes'):
        read_weights(path)


def test_a_chunk_that_inflates_beyond_its_size(tmp_path):
    path = tmp_path / "bomb.h5"
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset("data", (1000,), "u1", chunks=(1000,), compression="gzip")
        dataset.id.write_direct_chunk((0,), zlib.compress(bytes(64 << 20), 9))
    with pytest.raises(DataError, match='"/data" makes .* bytes of arrays'):
        read_datasets(str(path), ["data"])


@pytest.mark.parametrize(
    "options", [{"scaleoffset": 0}, {"compression": "gzip", "twice": True}], ids=["other", "twice"]
)
def test_other_filters_are_refused(tmp_path, options):
    path = tmp_path / "filters.h5"
    with h5py.File(path, "w") as file:
        if options.pop("twice", False):
            plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
            plist.set_chunk((8,))
            plist.set_deflate(1)
            plist.set_deflate(1)
            space = h5py.h5s.create_simple((8,))
            h5py.h5d.create(file.id, b"data", h5py.h5t.NATIVE_INT32, space, plist)
        else:
            file.create_dataset("data", data=np.arange(8), chunks=(8,), **options)
    with pytest.raises(DataError, match="is compressed by filters other than one each of"):
        read_datasets(str(path), ["data"])


@pytest.mark.parametrize(
    "options",
    [
        {"compression": "gzip"},
        {"compression": "lzf"},
        {"compression": "gzip", "shuffle": True, "fletcher32": True},
        {"chunks": (3,)},
    ],
    ids=str,
)
def test_compressed_files_are_read(tmp_path, options):
    path = tmp_path / "a.h5"
    values = np.random.default_rng(1).integers(
        0, 9, 200_000
    )  # the chunks are large enough to be looked into
    with h5py.File(path, "w") as file:
        file.create_dataset("data", data=values, **{"chunks": (100_000,), **options})
    np.testing.assert_array_equal(read_datasets(str(path), ["data"])[0], values)


def test_what_is_no_hdf5_file_is_named(tmp_path):
    def fail(path, says):
        with pytest.raises(DataError, match=says):
            Hdf5Input(path, DataError, "copy it again")

    fail(tmp_path / "none.h5", "none.h5: no such file")
    fail(tmp_path, "is a folder")
    (tmp_path / "pointer.h5").write_text("version https://git-lfs.github.com/spec/v1\noid 1\n")
    fail(tmp_path / "pointer.h5", "cannot be read as HDF5 .a Git LFS pointer")
    (tmp_path / "empty.h5").write_bytes(b"")
    fail(tmp_path / "empty.h5", "cannot be read as HDF5 .an empty file")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.h5")
        fail(tmp_path / "pipe.h5", "is a pipe")
