"""Damaged LevelDB folders: one error that names the place, no lost records, no crash."""

import os
import random
import shutil

import pytest

from caffe_lite.data.leveldb_source import LeveldbSource
from caffe_lite.errors import DataError

plyvel = pytest.importorskip("plyvel", reason="plyvel (extra leveldb) is not installed")

COUNT = 120


def varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A folder with a table and a log."""
    path = tmp_path_factory.mktemp("whole") / "db"
    rng = random.Random(1)
    for start, stop in ((0, 100), (100, COUNT)):
        database = plyvel.DB(str(path), create_if_missing=True)
        for i in range(start, stop):
            database.put(b"%08d" % i, rng.randbytes(60) + bytes(200))
        if start == 0:
            database.compact_range()
        database.close()
    return path


@pytest.fixture
def copy(whole, tmp_path):
    def make(name="db"):
        shutil.rmtree(tmp_path / name, ignore_errors=True)
        return shutil.copytree(whole, tmp_path / name)

    return make


def read_all(path):
    source = LeveldbSource(path)
    try:
        return [source.next() for _ in range(len(source))]
    finally:
        source.close()


def table(path):
    return next(path.glob("*.ldb"))


def test_the_whole_folder(copy):
    assert len(read_all(copy())) == COUNT


@pytest.mark.parametrize("size", [2**31, 2**40, 2**62, 2**64 - 1])
def test_a_footer_with_a_size_beyond_the_file(copy, size):
    """LevelDB would allocate it, and 2^40 bytes end the process."""
    path = copy()
    content = table(path).read_bytes()
    footer = varint(0) + varint(8) + varint(100) + varint(size)
    table(path).write_bytes(content[:-48] + footer.ljust(40, b"\0") + content[-8:])
    with pytest.raises(DataError, match=r"\.ldb: damaged or cut short \(its footer\)"):
        LeveldbSource(path)


def test_damage_anywhere_is_an_error_or_harmless(copy):
    rng = random.Random(5)
    files = [file.name for file in copy().iterdir() if file.stat().st_size]
    told = 0
    for _ in range(150):
        path = copy()
        file = path / rng.choice(files)
        content = bytearray(file.read_bytes())
        for _ in range(rng.choice([1, 1, 8])):
            content[rng.randrange(len(content))] = rng.randrange(256)
        file.write_bytes(content[: rng.choice([len(content), rng.randrange(len(content))])])
        try:
            found = read_all(path)
        except DataError as error:
            assert str(error).startswith(str(path)) and "\n" not in str(error)
            told += 1
        else:  # a log that is cut short ends earlier, as after a crash of its writer
            assert len(found) == COUNT or file.suffix == ".log"
    assert told > 60


def test_files_that_are_missing_or_no_files(copy):
    for name in ("CURRENT", "MANIFEST"):
        path = copy()
        next(path.glob(f"{name}*")).unlink()
        with pytest.raises(DataError, match=str(path)):
            LeveldbSource(path)
    if hasattr(os, "mkfifo"):
        path = copy()
        file = table(path)
        file.unlink()
        os.mkfifo(file)
        with pytest.raises(DataError, match="is not a regular file"):
            LeveldbSource(path)
