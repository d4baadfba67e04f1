"""Rows of HDF5 files: order over the files' borders, shuffling, resuming, broken files."""

import json
import re
from collections import Counter

import h5py
import numpy as np
import pytest

from caffe_lite.data.hdf5 import Hdf5Source
from caffe_lite.errors import DataError
from caffe_lite.nets.net import Net
from caffe_lite.proto import schema, text

SIZES = (3, 1, 5)


def write(path, **datasets):
    with h5py.File(path, "w") as file:
        for name, values in datasets.items():
            file[name] = values


@pytest.fixture
def files(tmp_path):
    """Three files whose rows are numbered 0 to 8; `label` is the row's number."""
    start = 0
    for index, size in enumerate(SIZES):
        label = np.arange(start, start + size)
        data = np.stack([label * 10, label * 10 + 1], 1).astype(np.float32)
        write(tmp_path / f"{index}.h5", data=data, label=label)
        start += size
    (tmp_path / "list.txt").write_text("0.h5\n\n1.h5  \n2.h5\n")
    return tmp_path / "list.txt"


def open_rows(files, shuffle=False, seed=0):
    return Hdf5Source(files, ["data", "label"], np.random.default_rng(seed), shuffle)


def read(source, count, dtype=np.float32):
    data, label = np.full((count, 2), np.nan, dtype), np.full(count, np.nan, dtype)
    source.fill([data, label])
    np.testing.assert_array_equal(data, np.stack([label * 10, label * 10 + 1], 1))
    return label.astype(int).tolist()


@pytest.mark.parametrize("batch", [1, 2, 4, 9, 20])
def test_no_row_is_lost_at_the_borders(files, batch):
    source = open_rows(files)
    assert source.row_shapes == [(2,), ()]
    rows = [row for _ in range(12) for row in read(source, batch)]
    assert rows == [i % 9 for i in range(12 * batch)]


def test_each_pass_has_every_row_once_in_another_order(files):
    source = open_rows(files, shuffle=True)
    passes = [read(source, 9) for _ in range(30)]
    assert all(sorted(rows) == list(range(9)) for rows in passes)
    assert len({tuple(rows) for rows in passes}) > 20
    firsts = Counter(rows[0] for rows in passes)
    assert len(firsts) > 5  # of several files, and not each file's first row
    for rows in passes:  # a file's rows stay together
        files_in_order = [0 if row < 3 else 1 if row < 4 else 2 for row in rows]
        assert (
            len([1 for a, b in zip(files_in_order, files_in_order[1:], strict=False) if a != b])
            == 2
        )


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("consumed", [0, 1, 3, 8, 9, 10, 31])
def test_resuming(files, shuffle, consumed):
    source = open_rows(files, shuffle, seed=1)
    if consumed:
        read(source, consumed)
    source.rng.random()  # a generator may be shared with others, who draw between
    state = json.loads(json.dumps(source.get_state()))
    expected = [read(source, 4) for _ in range(12)]
    other = open_rows(files, shuffle, seed=2)
    read(other, 5)
    other.set_state(state)
    assert [read(other, 4) for _ in range(12)] == expected


def test_one_file_is_reshuffled_each_pass(tmp_path):
    write(tmp_path / "a.h5", data=np.arange(40.0))
    (tmp_path / "list.txt").write_text("a.h5\n")
    source = Hdf5Source(tmp_path / "list.txt", ["data"], np.random.default_rng(0), True)
    first, second = np.empty(40), np.empty(40)
    source.fill([first])
    source.fill([second])
    assert sorted(first) == sorted(second) == list(range(40)) and list(first) != list(second)


@pytest.mark.parametrize("stored", ["f2", "f4", "f8", ">f4", "u1", "i8", "?"])
@pytest.mark.parametrize("shuffle", [False, True])
def test_types(tmp_path, stored, shuffle):
    values = np.array([[0, 1], [1, 1], [1, 0]], stored)
    write(tmp_path / "a.h5", data=values)
    (tmp_path / "list.txt").write_text("a.h5\n")
    source = Hdf5Source(tmp_path / "list.txt", ["data"], np.random.default_rng(0), shuffle)
    for dtype in (np.float32, np.float64):
        out = np.empty((3, 2), dtype)
        source.fill([out])
        assert sorted(out.tolist()) == [[0, 1], [1, 0], [1, 1]]


def test_paths_are_of_the_working_directory_first(files, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert read(open_rows(files), 2) == [0, 1]  # beside the list
    write("0.h5", data=np.array([[70.0, 71.0]]), label=[7.0])
    assert read(open_rows(files), 2) == [7, 3]


def fail(source, reason, tops=("data", "label")):
    with pytest.raises(DataError, match=reason) as error:
        rows = Hdf5Source(source, tops, np.random.default_rng(0))
        rows.fill([np.empty((20, *shape)) for shape in rows.row_shapes])
    assert "\n" not in str(error.value)


def test_broken_lists(tmp_path, files, pointer):
    fail(tmp_path / "absent.txt", "absent.txt: no such file.*; the source must list HDF5 files")
    fail(pointer, "Git LFS")
    fail(tmp_path / "0.h5", "0.h5: a binary file")
    (tmp_path / "empty.txt").write_text("\n \n")
    fail(tmp_path / "empty.txt", "empty")
    (tmp_path / "list.txt").write_text("0.h5\n\nno.h5\n")
    fail(tmp_path / "list.txt", 'list.txt:3: no HDF5 file at "no.h5"')


def test_damaged_files(tmp_path, files):
    whole = (tmp_path / "2.h5").read_bytes()
    places = [found.start() for found in re.finditer(b"TREE|SNOD|HEAP", whole)]
    assert len(places) > 2
    for place in places:
        (tmp_path / "2.h5").write_bytes(whole[:place] + b"????" + whole[place + 4 :])
        fail(files, "2.h5: damaged HDF5 file .*; copy it again or write it again")
    listed = whole.index(b"label\0")  # names are in order, and looked for by halves
    (tmp_path / "2.h5").write_bytes(whole[:listed] + b"aabel" + whole[listed + 5 :])
    fail(files, "2.h5: (damaged HDF5 file|no dataset)")


def test_broken_files(tmp_path, files, pointer):
    fail(files, '0.h5: no dataset "scores"; it has: data, label', ("data", "scores"))
    whole = (tmp_path / "2.h5").read_bytes()
    for broken in (whole[:900], whole[: len(whole) - 8], b"", b"text", pointer.read_bytes()):
        (tmp_path / "2.h5").write_bytes(broken)
        fail(files, "2.h5: cannot be read as HDF5")
    for reason, datasets in {
        '"data" has 2 rows, "label" 3': {"data": np.zeros((2, 2)), "label": np.zeros(3)},
        r'"data" have shape \(3,\), .* \(2,\)': {"data": np.zeros((2, 3)), "label": np.zeros(2)},
        '"data" has no rows': {"data": np.zeros((0, 2)), "label": np.zeros(0)},
        '"label" has no rows': {"data": np.zeros((1, 2)), "label": 1.0},
        '"label" is not numeric': {"data": np.zeros((1, 2)), "label": [b"cat"]},
    }.items():
        write(tmp_path / "2.h5", **datasets)
        fail(files, f"2.h5: .*{reason}")


def test_states_of_other_lists_are_refused(files):
    state = open_rows(files).get_state()
    files.write_text("0.h5\n")
    with pytest.raises(DataError, match="3 HDF5 files"):
        open_rows(files).set_state(state)


def test_a_file_removed_in_the_middle_of_a_run_names_the_layer(files, tmp_path):
    net = Net(
        text.parse(
            f"""layer {{ name: "rows" type: "HDF5Data" top: "data" top: "label"
                hdf5_data_param {{ source: "{files}" batch_size: 3 }} }}""",
            schema.NetParameter,
        ),
        schema.TRAIN,
    )
    (tmp_path / "1.h5").unlink()
    net.forward()
    with pytest.raises(DataError, match=r'^layer "rows" \(HDF5Data\): .*1\.h5: no such file'):
        net.forward()
    net.close()
