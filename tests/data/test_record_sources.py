"""Databases of records: order, wrapping, positions, and what is said of those that are broken."""

import gc
import sys

import lmdb
import pytest

from caffe_lite.data.lmdb_source import LmdbSource
from caffe_lite.data.lmdb_writer import LmdbWriter
from caffe_lite.data.sources import open_source
from caffe_lite.errors import DataError
from caffe_lite.proto import schema

RECORDS = [b"record %d" % i for i in range(7)]


def write_lmdb(path, records=RECORDS):
    with LmdbWriter(path) as writer:
        for record in records:
            writer.put(record)


def write_leveldb(path):
    plyvel = pytest.importorskip("plyvel", reason="plyvel (extra leveldb) is not installed")
    database = plyvel.DB(str(path), create_if_missing=True)
    for i in (3, 1, 0, 2, 6, 5, 4):
        database.put(b"%08d" % i, RECORDS[i])
    database.close()


@pytest.fixture(params=["LMDB", "LEVELDB"])
def source(request, tmp_path):
    {"LMDB": write_lmdb, "LEVELDB": write_leveldb}[request.param](tmp_path / "db")
    return open_source(str(tmp_path / "db"), request.param)


def test_round_and_round_in_key_order(source):
    assert len(source) == 7
    assert [source.next() for _ in range(16)] == (RECORDS * 3)[:16]
    assert source.cursor == 2
    assert source.place.endswith('db, key "00000001"')


def test_every_position_is_resumed(source):
    for position in range(9):
        source.seek(position)
        assert [source.next() for _ in range(3)] == (RECORDS * 3)[position : position + 3]
    for read in range(1, 9):
        source.seek(0)
        for _ in range(read):
            source.next()
        cursor = source.cursor
        expected = source.next()
        source.seek(cursor)
        assert source.next() == expected


def test_two_readers_of_one_database(source):
    other = type(source)(source.path)
    assert [source.next(), source.next(), other.next()] == [*RECORDS[:2], RECORDS[0]]
    source.close()
    with pytest.raises(DataError, match="closed"):
        source.next()
    assert other.next() == RECORDS[1]


def test_backends_by_number_and_name(tmp_path):
    write_lmdb(tmp_path / "db")
    assert open_source(str(tmp_path / "db"), schema.DataParameter.LMDB).next() == RECORDS[0]
    with pytest.raises(DataError, match='did you mean "LMDB"'):
        open_source(str(tmp_path / "db"), "LMBD")


PLUGIN = """
from caffe_lite.data.source import Source

class LinesSource(Source):
    def __len__(self):
        return len(self._lines())

    def _lines(self):
        with open(self.path, "rb") as file:
            return file.read().splitlines()

    def _read_from(self, position):
        for number, line in enumerate(self._lines()):
            if number >= position:
                yield b"line %d" % number, line
"""


@pytest.fixture
def lines(tmp_path, monkeypatch):
    """An installed package that reads `x.lines`, and such a file."""
    package = tmp_path / "installed"
    info = package / "lines_source-1.dist-info"
    info.mkdir(parents=True)
    (package / "lines_source.py").write_text(PLUGIN)
    (info / "METADATA").write_text("Name: lines_source\nVersion: 1\n")
    (info / "entry_points.txt").write_text(
        "[caffe_lite.sources]\nlines = lines_source:LinesSource\nbroken = lines_source:Nothing\n"
    )
    monkeypatch.syspath_prepend(str(package))
    (tmp_path / "x.lines").write_bytes(b"\n".join(RECORDS))
    return str(tmp_path / "x.lines")


def test_a_package_brings_a_store_for_its_ending(lines):
    for backend in ("LEVELDB", "LMDB", schema.DataParameter.LMDB):
        source = open_source(lines, backend)
        assert [source.next() for _ in range(8)] == [*RECORDS, RECORDS[0]]
    source.seek(3)
    assert source.next() == RECORDS[3]
    assert source.place.endswith('x.lines, key "line 3"')


def test_a_store_that_cannot_be_loaded_is_named(lines, tmp_path):
    with pytest.raises(DataError, match=r"a\.broken: the plugin lines_source:Nothing could not be"):
        open_source(str(tmp_path / "a.broken"))


def test_the_ending_of_caffes_databases_decides_nothing(tmp_path):
    write_lmdb(tmp_path / "db.leveldb")
    assert open_source(str(tmp_path / "db.leveldb"), "LMDB").next() == RECORDS[0]


def test_leveldb_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "plyvel", None)
    with pytest.raises(DataError, match=r"caffe_lite\[leveldb\]"):
        open_source(str(tmp_path), "LEVELDB")


def test_leveldb_that_is_not_there(tmp_path):
    pytest.importorskip("plyvel", reason="plyvel (extra leveldb) is not installed")
    with pytest.raises(DataError, match="no LevelDB"):
        open_source(str(tmp_path), "LEVELDB")
    assert not list(tmp_path.iterdir())


def test_keys_of_convert_imageset(tmp_path):
    with LmdbWriter(tmp_path / "db") as writer:
        writer.put(b"a")
        writer.put(b"b", name="cats/1.jpg")
    with lmdb.open(str(tmp_path / "db"), readonly=True, lock=False) as database:
        with database.begin() as transaction:
            keys = list(transaction.cursor().iternext(values=False))
    assert keys == [b"00000000", b"00000001_cats/1.jpg"]


def test_a_file_is_a_database_too(tmp_path):
    write_lmdb(tmp_path / "db")
    assert LmdbSource(tmp_path / "db" / "data.mdb").next() == RECORDS[0]


def test_the_map_grows(tmp_path):
    records = [bytes([i]) * (1 << 20) for i in range(80)]  # more than the first 64 MiB
    write_lmdb(tmp_path / "db", records)
    source = LmdbSource(tmp_path / "db")
    assert all(source.next() == record for record in records)


def test_writing_is_all_or_nothing(tmp_path):
    with pytest.raises(RuntimeError), LmdbWriter(tmp_path / "db") as writer:
        writer.put(b"a")
        raise RuntimeError
    assert not list(tmp_path.iterdir())
    write_lmdb(tmp_path / "db")
    with pytest.raises(DataError, match="exists already"):
        LmdbWriter(tmp_path / "db")
    with LmdbWriter(tmp_path / "db", replace=True) as writer:
        writer.put(b"new")
    assert LmdbSource(tmp_path / "db").next() == b"new"


def fail(path):
    with pytest.raises(DataError, match=path.name) as error:
        LmdbSource(path)
    assert "\n" not in str(error.value)
    gc.collect()
    return str(error.value)


def test_broken_databases(tmp_path, pointer):
    assert "no LMDB database" in fail(tmp_path / "absent")
    assert "no LMDB database" in fail(tmp_path)
    assert "Git LFS" in fail(pointer)
    with lmdb.open(str(tmp_path / "empty")):
        pass
    assert "empty" in fail(tmp_path / "empty")
    (tmp_path / "text").write_text("x" * 9000)
    assert "not an LMDB" in fail(tmp_path / "text")


@pytest.mark.parametrize("kept", [0, 1000, 8192, 0.5, -1])
def test_a_truncated_database_is_refused_and_not_mapped(kept, tmp_path):
    write_lmdb(tmp_path / "db", [bytes(3000)] * 50)
    data = (tmp_path / "db" / "data.mdb").read_bytes()
    (tmp_path / "db" / "data.mdb").write_bytes(
        data[: int(kept * len(data)) if isinstance(kept, float) else kept]
    )
    fail(tmp_path / "db")
