"""The reader of LMDB's files: what liblmdb writes, pages written by hand, and every damage told."""

import os
import random
import struct

import lmdb
import pytest

from caffe_lite.data.lmdb_file import LmdbFile
from caffe_lite.data.lmdb_source import LmdbSource
from caffe_lite.errors import DataError

PAGE = 4096


def write(path, records, commit_every=50, remove=()):
    with lmdb.open(str(path), map_size=1 << 26) as environment:
        for start in range(0, len(records), commit_every):
            with environment.begin(write=True) as transaction:
                for key, value in records[start : start + commit_every]:
                    transaction.put(key, value)
        with environment.begin(write=True) as transaction:
            for key in remove:
                transaction.delete(key)
        with environment.begin() as transaction:
            return transaction.stat()["depth"], list(transaction.cursor())


def made(count, key_length, value_lengths, seed=0):
    rng = random.Random(seed)
    records = [
        (rng.randbytes(rng.randint(1, key_length)) + b"%06d" % i, rng.randbytes(length))
        for i, length in zip(range(count), value_lengths * count, strict=False)
    ]
    rng.shuffle(records)
    return records


@pytest.mark.parametrize(
    ("count", "key_length", "value_lengths", "depth"),
    [
        (1, 8, [5], 1),
        (9, 8, [0, 1, 300], 1),
        (300, 20, [90, 0, 700], 2),
        (600, 480, [40], 3),
        (40, 8, [PAGE - 16, PAGE - 15, 9 * PAGE, 70_000, 3], 1),
    ],
)
def test_records_are_those_that_the_library_reads(
    tmp_path, count, key_length, value_lengths, depth
):
    records = made(count, key_length, value_lengths)
    levels, expected = write(tmp_path, records, remove=[key for key, _ in records[1::7]])
    assert levels == depth
    file = LmdbFile(tmp_path / "data.mdb")
    assert file.count == len(expected)
    assert list(file.records()) == expected
    for position in (1, 2, count // 2, file.count - 1, file.count):
        assert list(file.records(position)) == expected[position:]


def page(number, flags, nodes, size):
    """A page with these nodes; each node goes to the back of the free room, as in the library."""
    body, offsets, end = bytearray(size), [], size
    for node in nodes:
        end -= len(node) + len(node) % 2
        body[end : end + len(node)] = node
        offsets.append(end)
    lower = 16 + 2 * len(nodes)
    body[:16] = struct.pack("<QHHHH", number, 0, flags, lower, end)
    body[16:lower] = struct.pack(f"<{len(nodes)}H", *offsets)
    return bytes(body)


def meta(number, size, transaction, tree=None, version=1):
    """`tree` is (levels, records, root, last page)."""
    levels, count, root, last = tree or (0, 0, 2**64 - 1, 1)
    body = struct.pack("<QHHHH", number, 0, 8, 0, 0)
    body += struct.pack("<IIQQ", 0xBEEFC0DE, version, 0, 1 << 30)
    body += struct.pack("<IHHQQQQQ", size, 0, 0, 0, 0, 0, 0, 2**64 - 1)
    body += struct.pack("<IHHQQQQQ", 0, 0, levels, 0, 0, 0, count, root)
    body += struct.pack("<QQ", last, transaction)
    return body.ljust(size, b"\0")


def node(key, value, flags=0, size=None):
    size = len(value) if size is None else size
    return struct.pack("<HHHH", size & 0xFFFF, size >> 16, flags, len(key)) + key + value


def large(number, count, value, size):
    head = struct.pack("<QHHI", number, 0, 4, count)
    return (head + value).ljust(count * size, b"\0")


SIZE = 16384  # the page of other processors
VALUE = bytes(range(256)) * 70  # 17920 bytes, two pages


def by_hand(**changes):
    parts = {
        "first": meta(0, SIZE, 8, (2, 3, 4, 6)),
        "second": meta(1, SIZE, 7),
        "left": page(2, 2, [node(b"a", b"one"), node(b"b", b"")], SIZE),
        "right": page(3, 2, [node(b"c", struct.pack("<Q", 5), 1, len(VALUE))], SIZE),
        "root": page(4, 1, [struct.pack("<HHHH", n, 0, 0, 0) for n in (2, 3)], SIZE),
        "large": large(5, 2, VALUE, SIZE),
    }
    return b"".join({**parts, **changes}.values())


def test_pages_written_by_hand(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(by_hand())
    assert list(LmdbFile(path).records()) == [(b"a", b"one"), (b"b", b""), (b"c", VALUE)]
    # The newer of the two first pages holds.
    path.write_bytes(by_hand(second=meta(1, SIZE, 9, (1, 2, 2, 6))))
    assert list(LmdbFile(path).records()) == [(b"a", b"one"), (b"b", b"")]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"first": bytes(SIZE)}, "not an LMDB"),
        ({"second": bytes(SIZE)}, "not an LMDB"),
        ({"first": meta(0, SIZE + 1, 8, (2, 3, 4, 6))}, "not an LMDB"),
        ({"second": meta(1, SIZE, 7, version=2)}, "an LMDB of format 2"),
        ({"first": meta(0, SIZE, 8, (2, 3, 4, 7))}, "truncated: 114688 bytes of 131072"),
        ({"first": meta(0, SIZE, 8, (0, 3, 4, 6))}, "a tree of 0 levels"),
        ({"first": meta(0, SIZE, 8, (9999, 3, 4, 6))}, "a tree of 9999 levels"),
        ({"first": meta(0, SIZE, 8, (3, 3, 4, 6))}, "page 2 is not a branch page"),
        ({"first": meta(0, SIZE, 8, (1, 3, 4, 6))}, "page 4 is not a leaf page"),
        ({"first": meta(0, SIZE, 8, (2, 4, 4, 6))}, "it holds 3 records but announces 4"),
        ({"left": bytes(SIZE)}, "page 2 is not a leaf page"),
        ({"left": page(3, 2, [node(b"a", b"x")], SIZE)}, "page 2 is not a leaf page"),
        ({"left": page(2, 2, [], SIZE)}, "page 2 declares 0 nodes"),
        ({"left": page(2, 2, [node(b"a", b"x", 2)], SIZE)}, "several records for one key"),
        ({"left": page(2, 2, [node(b"a", b"", 0, 9 * SIZE)], SIZE)}, "of page 2 ends outside"),
        ({"left": page(2, 2, [node(b"b", b""), node(b"a", b"")], SIZE)}, "out of order"),
        ({"root": page(4, 1, [b"\7" + bytes(7)], SIZE)}, "page 7 of 6"),
        ({"root": page(4, 1, [b"\4" + bytes(7)], SIZE)}, "page 4 is not a leaf page"),
        ({"large": large(5, 1, VALUE, 2 * SIZE)}, "17920 bytes do not fit in the 1 pages"),
        ({"large": large(5, 3, VALUE, SIZE)[: 2 * SIZE]}, "17920 bytes do not fit in the 3 pages"),
        ({"large": bytes(2 * SIZE)}, "page 5 is not a large value page"),
    ],
)
def test_what_cannot_be_is_told(tmp_path, changes, told):
    path = tmp_path / "file"
    path.write_bytes(by_hand(**changes))
    with pytest.raises(DataError, match=f"^{path}: .*{told}"):
        list(LmdbFile(path).records())


@pytest.mark.parametrize("lower", [15, 17, 0xFFFE])
def test_offsets_stay_on_their_page(tmp_path, lower):
    path = tmp_path / "file"
    left = bytearray(page(2, 2, [node(b"a", b"one")], SIZE))
    left[12:14] = struct.pack("<H", lower)
    path.write_bytes(by_hand(left=bytes(left)))
    with pytest.raises(DataError, match="page 2 declares -?[0-9]+ nodes"):
        list(LmdbFile(path).records())
    left[12:18] = struct.pack("<HHH", 18, 0, SIZE - 7)
    path.write_bytes(by_hand(left=bytes(left)))
    with pytest.raises(DataError, match="a node of page 2 is outside it"):
        list(LmdbFile(path).records())


def damaged(data, rng):
    """Some bytes, or the start of a page, become others: zeros, ones, garbage or another page."""
    length = rng.choice([1, 2, 8, 64, PAGE, 3 * PAGE])
    start = rng.randrange(len(data))
    if rng.random() < 0.7:
        start = start // PAGE * PAGE + rng.choice([0, 0, 10, rng.randrange(40)])
    other = rng.randrange(len(data)) // PAGE * PAGE
    content = rng.choice([bytes(length), b"\xff" * length, rng.randbytes(length), data[other:]])
    return (data[:start] + content[:length] + data[start + length :])[: len(data)]


@pytest.mark.parametrize("length", [60, 700, 6000])
def test_no_damage_is_fatal(tmp_path, length):
    """Whatever stands in the file, reading gives records or one line that names the file."""
    rng = random.Random(length)
    write(tmp_path, [(b"%08d" % i, rng.randbytes(length)) for i in range(90_000 // length)])
    data, path = (tmp_path / "data.mdb").read_bytes(), tmp_path / "damaged"
    told = 0
    for _ in range(150):
        path.write_bytes(damaged(data, rng))
        try:
            source = LmdbSource(path)
            for _ in range(3 + min(len(source), 2000)):
                source.next()
        except DataError as error:
            assert str(error).startswith(f"{path}: ") and "\n" not in str(error)
            told += 1
    assert told > 40


@pytest.mark.parametrize("count", [2**63, 2**64 - 1, 7 * SIZE // 11 + 1])
def test_counts_that_the_file_cannot_hold(tmp_path, count):
    path = tmp_path / "file"
    path.write_bytes(by_hand(first=meta(0, SIZE, 8, (2, count, 4, 6))))
    with pytest.raises(DataError, match=rf"^{path}: damaged \({count} records\)"):
        LmdbSource(path)


def test_a_pipe_is_refused(tmp_path):
    if not hasattr(os, "mkfifo"):
        pytest.skip("this system has no pipes with names")
    os.mkfifo(tmp_path / "data.mdb")
    with pytest.raises(DataError, match=r"data\.mdb: is a pipe; a file is expected"):
        LmdbSource(tmp_path)
