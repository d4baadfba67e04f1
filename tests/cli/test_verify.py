"""`caffe_lite verify`: every kind of file, whole and not."""

import json

import h5py
import numpy as np
import pytest

from caffe_lite.cli import main
from caffe_lite.data.datum import encode
from caffe_lite.data.images import write_image
from caffe_lite.data.lmdb_writer import LmdbWriter
from tests.solvers.solver_nets import FILES, make_solver


def verify(capsys, *names):
    code = main(["verify", "--json", *map(str, names)])
    return code, json.loads(capsys.readouterr().out)


@pytest.fixture
def pair(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return make_solver('base_lr: 1 lr_policy: "fixed" snapshot_prefix: "run"').snapshot()


def flip(path, at=60):
    with open(path, "r+b") as file:
        content = bytearray(file.read())
        content[at] ^= 1
        file.seek(0)
        file.write(content)


def test_a_snapshot(pair, capsys):
    code, (weights, state) = verify(capsys, *pair)
    assert code == 0
    assert weights["kind"] == "weights" and weights["dialect"].startswith("binary, layers of Caffe")
    assert weights["holds"] == {"layers": 5, "blobs": 4, "numbers": 26, "not finite": 0}
    assert weights["whole"] and weights["checksum"] and len(weights["sha256"]) == 64
    assert state["kind"] == "solver state" and state["checksum"]
    assert state["holds"]["iteration"] == 0 and state["holds"]["weights"] == "run_iter_0.caffemodel"
    flip(pair[0])
    code, (weights, state) = verify(capsys, *pair)
    assert code == 1
    assert not weights["whole"] and not state["whole"]
    assert "damaged" in weights["problem"]


def test_caffes_own_files(capsys):
    names = sorted([*FILES.glob("*.caffemodel*"), *FILES.glob("*.solverstate*")])
    code, reports = verify(capsys, *names)
    assert [each["problem"] for each in reports] == [""] * len(names)
    assert code == 0 and not any(each["checksum"] for each in reports)
    assert {each["kind"] for each in reports} == {"weights", "solver state"}


def images(tmp_path):
    lines = []
    for i in range(3):
        write_image(tmp_path / f"{i}.png", np.full((4, 5, 3), 60 * i, np.uint8))
        lines.append(f"{tmp_path}/{i}.png {i}\n")
    return lines


@pytest.fixture(params=["lmdb", "leveldb", "hdf5", "hdf5 list", "images", "windows"])
def source(request, tmp_path, monkeypatch):
    """A data source: its path, its kind, and a function that damages it."""
    monkeypatch.chdir(tmp_path)  # where files of lists are looked for first
    records = [(b"%05d" % i, encode(np.full((3, 4, 5), i, np.uint8), i)) for i in range(40)]
    if request.param == "lmdb":
        with LmdbWriter(tmp_path / "db") as writer:
            for _, value in records:
                writer.put(value)
        file = tmp_path / "db" / "data.mdb"
        return tmp_path / "db", "LMDB", lambda: file.write_bytes(file.read_bytes()[:9000])
    if request.param == "leveldb":
        plyvel = pytest.importorskip("plyvel", reason="LevelDB needs plyvel")
        with plyvel.DB(str(tmp_path / "db"), create_if_missing=True) as database:
            for key, value in records:
                database.put(key, value)
            database.put(b"z", b"\xff")
        return tmp_path / "db", "LevelDB", None
    if request.param.startswith("hdf5"):
        with h5py.File(tmp_path / "rows.h5", "w") as file:
            file["data"] = np.ones((7, 3), "f4")
        (tmp_path / "rows.txt").write_text("rows.h5\n")
        path = tmp_path / ("rows.txt" if "list" in request.param else "rows.h5")
        kind = "list of HDF5 files" if "list" in request.param else "HDF5 data"
        h5 = tmp_path / "rows.h5"
        return path, kind, lambda: h5.write_bytes(h5.read_bytes()[:-40])
    lines = images(tmp_path)
    if request.param == "windows":
        lines = [
            f"# {i}\n{line.split()[0]}\n3 4 5 2\n1 0.9 0 0 2 2\n0 0.1 1 1 3 3\n"
            for i, line in enumerate(lines)
        ]
    (tmp_path / "list.txt").write_text("".join(lines))
    kind = "window file" if request.param == "windows" else "list of images"
    return tmp_path / "list.txt", kind, (tmp_path / "1.png").unlink


def test_sources_of_data(source, capsys):
    path, kind, damage = source
    code, (report,) = verify(capsys, path)
    assert report["kind"] == kind
    if damage is None:  # a record that is no datum
        assert code == 1 and "not a Datum" in report["problem"]
        return
    assert (code, report["problem"]) == (0, "")
    assert report["holds"]
    damage()
    code, (report,) = verify(capsys, path)
    assert code == 1 and report["problem"]


def test_text(pair, capsys, tmp_path):
    assert main(["verify", *pair]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "run_iter_0.caffemodel: whole, checksum verified"
    assert "26" in lines[1] and "SHA-256" in lines[2]
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    assert main(["verify", "gone", "empty", "folder"]) == 1
    out = capsys.readouterr().out
    assert "gone: NOT WHOLE: no such file" in out
    assert "empty: NOT WHOLE: the file is empty" in out
    assert "folder: NOT WHOLE: a folder without a database" in out
