"""convert_mnist_data and convert_cifar_data: records equal to those of Caffe's examples."""

import struct

import lmdb
import numpy as np
import pytest

from caffe_lite.cli import main


def records(path):
    with lmdb.open(str(path), readonly=True, lock=False) as env, env.begin() as transaction:
        return [(bytes(key), bytes(value)) for key, value in transaction.cursor()]


@pytest.fixture
def mnist(tmp_path, monkeypatch):
    """Three images of 4x5 and their labels in IDX files."""
    monkeypatch.chdir(tmp_path)
    pixels = np.random.default_rng(1).integers(0, 256, (3, 4, 5), np.uint8)
    (tmp_path / "images").write_bytes(struct.pack(">4I", 2051, 3, 4, 5) + pixels.tobytes())
    (tmp_path / "labels").write_bytes(struct.pack(">2I", 2049, 3) + bytes([7, 0, 9]))
    return pixels


def test_mnist(mnist, capsys):
    assert main("convert_mnist_data images labels db --backend=lmdb".split()) == 0
    sizes = b"\x08\x01\x10\x04\x18\x05\x22\x14"  # channels, height, width, 20 bytes of data
    assert records("db") == [
        (b"%08d" % i, sizes + image.tobytes() + b"\x28" + bytes([label]))
        for i, (image, label) in enumerate(zip(mnist, (7, 0, 9), strict=True))
    ]
    log = capsys.readouterr().err
    assert "A total of 3 items." in log and "Rows: 4 Cols: 5" in log


@pytest.mark.parametrize(
    ("file", "data", "message"),
    [
        ("labels", struct.pack(">2I", 2049, 2) + b"ab", "images has 3 images, labels 2 labels"),
        ("labels", struct.pack(">2I", 2051, 3) + b"abc", "labels: not an IDX file of labels"),
        ("images", b"\x1f\x8b\x08\x00" + b"x" * 40, "images: not an IDX file of images but"),
        (
            "images",
            struct.pack(">4I", 2051, 3, 4, 5) + b"x" * 59,
            "75 bytes, but its header says 76",
        ),
        ("images", b"", "images: not an IDX file of images"),
    ],
)
def test_mnist_that_is_damaged(file, data, message, mnist, tmp_path, capsys):
    (tmp_path / file).write_bytes(data)
    assert main("convert_mnist_data images labels db".split()) == 1
    assert message in capsys.readouterr().err and not (tmp_path / "db").exists()


def test_cifar(tmp_path, capsys):
    (tmp_path / "in").mkdir()
    pixels = np.random.default_rng(2).integers(0, 256, (7, 3072), np.uint8)
    batches = [pixels[:2], pixels[2:3], pixels[3:4], pixels[4:5], pixels[5:6], pixels[6:]]
    names = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]
    for name, rows in zip(names, batches, strict=True):
        content = b"".join(bytes([row[0] % 10]) + row.tobytes() for row in rows)
        (tmp_path / "in" / f"{name}.bin").write_bytes(content)
    line = ["convert_cifar_data", str(tmp_path / "in"), str(tmp_path), "lmdb"]
    assert main(line) == 0
    head = b"\x08\x03\x10\x20\x18\x20\x22\x80\x18"
    expected = [head + row.tobytes() + b"\x28" + bytes([row[0] % 10]) for row in pixels]
    keys = [b"%05d" % i for i in range(6)]
    assert records(tmp_path / "cifar10_train_lmdb") == list(zip(keys, expected[:6], strict=True))
    assert records(tmp_path / "cifar10_test_lmdb") == [(b"00000", expected[6])]
    (tmp_path / "in" / "data_batch_3.bin").write_bytes(b"x" * 3072)
    assert main([*line[:2], str(tmp_path / "other"), "lmdb"]) == 1
    assert "data_batch_3.bin: 3072 bytes are not a number of records" in capsys.readouterr().err
    assert not list(tmp_path.glob("other/*"))
