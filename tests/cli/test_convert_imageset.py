"""convert_imageset, compute_image_mean, extract_features: what Caffe's tools write."""

import io
import struct
from pathlib import Path

import h5py
import lmdb
import numpy as np
import pytest
from PIL import Image

from caffe_lite.cli import main
from caffe_lite.data.datum import encode
from caffe_lite.data.lmdb_writer import LmdbWriter
from caffe_lite.proto import schema


def records(path):
    with lmdb.open(str(path), readonly=True, lock=False) as env, env.begin() as transaction:
        return [(bytes(key), bytes(value)) for key, value in transaction.cursor()]


def varint(value):
    out = b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def datum(data, label, shape=(), encoded=False):
    """A Datum in the wire format: channels, height, width, data, label, encoded, in this order."""
    tags = (8, 16, 24)[: len(shape)]
    sizes = b"".join(bytes([tag]) + varint(size) for tag, size in zip(tags, shape, strict=True))
    flag = b"\x38\x01" if encoded else b"\x38\x00"
    return sizes + b"\x22" + varint(len(data)) + data + b"\x28" + varint(label) + flag


@pytest.fixture
def images(tmp_path, monkeypatch):
    """Three PNG files of 5x4 pixels with odd names, one of them grey; their pixels (B, G, R)."""
    rng = np.random.default_rng(5)
    names = ["one.png", "sub dir/größe 2.png", "grey.PNG"]
    (tmp_path / "root" / "sub dir").mkdir(parents=True)
    pixels = [rng.integers(0, 256, (5, 4, 3), np.uint8) for _ in names]
    pixels[2][...] = pixels[2][..., :1]
    for name, rgb in zip(names, pixels, strict=True):
        picture = Image.fromarray(rgb if name[0] != "g" else rgb[..., 0])
        picture.save(tmp_path / "root" / name)
    (tmp_path / "list.txt").write_text("".join(f"{n} {7 * i}\n" for i, n in enumerate(names)))
    monkeypatch.chdir(tmp_path)
    return names, [rgb[..., ::-1].transpose(2, 0, 1) for rgb in pixels]


def convert(*options):
    return main(["convert_imageset", *options, "root/", "list.txt", "db"])


def append(text):
    with open("list.txt", "a") as file:
        file.write(text)


def key(i, name):
    return f"{i:08d}_{name}".encode()


def test_pixels_under_caffes_keys(images):
    names, pixels = images
    assert convert() == 0
    assert records("db") == [
        (key(i, name), datum(bgr.tobytes(), 7 * i, (3, 5, 4)))
        for i, (name, bgr) in enumerate(zip(names, pixels, strict=True))
    ]


def test_grey_and_resized(images):
    names, pixels = images
    assert convert("--gray", "-resize_height=10", "--resize_width", "8", "--check_size") == 0
    third = schema.Datum.FromString(records("db")[2][1])
    assert (third.channels, third.height, third.width) == (1, 10, 8)
    grown = np.frombuffer(third.data, np.uint8).reshape(10, 8)
    assert np.array_equal(grown[[0, 0, -1, -1], [0, -1, 0, -1]], pixels[2][0][::4, ::3].ravel())


def test_encoded_files_are_stored_as_they_are(images):
    names, _ = images
    assert convert("--encoded=true", "--noshuffle") == 0
    assert records("db") == [
        (key(i, name), datum(Path(f"root/{name}").read_bytes(), 7 * i, encoded=True))
        for i, name in enumerate(names)
    ]


def test_encoded_anew(images):
    assert convert("--encode_type=jpg") == 0
    for _, record in records("db"):
        stored = schema.Datum.FromString(record)
        assert stored.encoded and not stored.HasField("channels")
        picture = Image.open(io.BytesIO(stored.data))
        assert picture.format == "JPEG" and picture.size == (4, 5)


def test_shuffled_by_a_seed(images):
    labels = []
    for name in ("a", "b"):
        line = ["convert_imageset", "--shuffle", "--seed=3", "root/", "list.txt", name]
        assert main(line) == 0
        labels.append([schema.Datum.FromString(value).label for _, value in records(name)])
    assert labels[0] == labels[1] != [0, 7, 14]


def test_images_that_cannot_be_read_are_left_out(images, capsys):
    names, pixels = images
    append("none.png 1\n\nempty.jpg 2\none.png 3\n")
    Path("root/empty.jpg").touch()
    assert convert() == 0
    log = capsys.readouterr().err
    assert "root/none.png: no such file" in log and "root/empty.jpg: cannot be decoded" in log
    assert "2 of 6 images could not be read" in log
    assert [each for each, _ in records("db")][-1] == key(5, "one.png")


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--resize-width", "3"], 2, "give both --resize-height and --resize-width, or neither"),
        (["--encode-type", "gif"], 2, "--encode-type gif: known are png, jpg, jpeg, bmp"),
        (["--seed", "3"], 2, "--seed has no effect without --shuffle; leave it out"),
        (["--check-size"], 1, "root/big.png: has shape (3, 2, 9) (channels, height, width), the"),
    ],
)
def test_what_is_refused(options, code, message, images, tmp_path, capsys):
    Image.new("RGB", (9, 2)).save("root/big.png")
    append("big.png 1\n")
    assert convert(*options) == code
    assert message in capsys.readouterr().err
    assert not (tmp_path / "db").exists()
    assert {path.name for path in tmp_path.iterdir()} == {"root", "list.txt"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("none.png 1\n", "list.txt: none of its 1 images can be read"),
        ("one.png\n", 'list.txt:1: expected a path and a whole number, got "one.png"'),
        ("one.png x\n", 'list.txt:1: expected a path and a whole number, got "one.png x"'),
        ("\n", "list.txt: the list is empty"),
    ],
)
def test_lists_that_are_refused(text, message, images, tmp_path, capsys):
    (tmp_path / "list.txt").write_text(text)
    assert convert() == 1
    assert message in capsys.readouterr().err and not (tmp_path / "db").exists()


def test_an_existing_database_stays(images, capsys):
    assert convert() == 0
    before = records("db")
    assert convert("--gray") == 1
    assert "db: exists already" in capsys.readouterr().err
    assert records("db") == before


def test_leveldb(images, tmp_path, capsys):
    plyvel = pytest.importorskip("plyvel", reason="plyvel (extra leveldb) is not installed")
    names, pixels = images
    assert convert("--backend=leveldb") == 0
    with plyvel.DB("db") as database:
        assert [name for name, _ in database] == [
            key(0, names[0]),
            key(1, names[1]),
            key(2, names[2]),
        ]
    assert main(["compute_image_mean", "-backend", "leveldb", "db", "mean.binaryproto"]) == 0
    assert convert("--backend=leveldb") == 1
    assert "db: exists already" in capsys.readouterr().err
    assert not list(tmp_path.glob(".*"))


def test_leveldb_without_its_package(images, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "plyvel", None)
    assert convert("--backend=leveldb") == 1
    assert "pip install 'caffe_lite[leveldb]', or write an LMDB" in capsys.readouterr().err


def test_the_mean_is_caffes_byte_for_byte(images, capsys):
    _, pixels = images
    assert convert() == 0
    assert main(["compute_image_mean", "db", "mean.binaryproto"]) == 0
    total = np.zeros((3, 5, 4), np.float32)
    for bgr in pixels:
        total += bgr
    mean = (total / np.float32(3)).astype("<f4")
    sizes = b"\x08\x01\x10\x03\x18\x05\x20\x04"  # num, channels, height, width
    packed = mean.tobytes()
    assert Path("mean.binaryproto").read_bytes() == sizes + b"\x2a" + varint(len(packed)) + packed
    log = capsys.readouterr().err
    assert "Number of channels: 3" in log
    assert f"mean_value channel [2]: {mean[2].mean():g}" in log


def test_the_mean_of_encoded_and_of_float_records(images, tmp_path, capsys):
    names, pixels = images
    assert convert("--encoded") == 0
    assert main(["compute_image_mean", "db", "mean"]) == 1  # the grey file has one channel
    assert 'db, key "00000002_grey.PNG": the image has shape (1, 5, 4)' in capsys.readouterr().err
    with LmdbWriter(tmp_path / "floats") as writer:
        for value in (0.5, -2.25):
            writer.put(encode(np.full((1, 2, 3), value, np.float32)))
    assert main(["compute_image_mean", "floats"]) == 0
    assert "mean_value channel [0]: -0.875" in capsys.readouterr().err
    assert not (tmp_path / "mean").exists()


NET = """
layer { name: "data" type: "Data" top: "data" top: "label"
        data_param { source: "db" backend: LMDB batch_size: 2 } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
        convolution_param { num_output: 2 kernel_size: 3
                            weight_filler { type: "gaussian" std: 0.01 } } }
layer { name: "ip" type: "InnerProduct" bottom: "conv" top: "ip"
        inner_product_param { num_output: 6 weight_filler { type: "xavier" } } }
"""


@pytest.fixture
def net(images, tmp_path):
    """A net with weights, and its features: four images, of which the fourth is the first."""
    from caffe_lite import Net, get_ops
    from caffe_lite.proto import text
    from caffe_lite.weights.write import write_caffemodel

    assert convert() == 0
    (tmp_path / "net.prototxt").write_text(NET)
    with Net(text.parse(NET, schema.NetParameter), schema.TEST, get_ops()) as net:
        write_caffemodel(net, "w.caffemodel")
        features = {"conv": [], "ip": []}
        for _ in range(2):
            net.forward()
            for name, rows in features.items():
                rows.append(net.blobs[name].data.copy())
    return {name: np.concatenate(rows) for name, rows in features.items()}


def extract(*words):
    return main(["extract_features", "w.caffemodel", "net.prototxt", *words])


def test_features_in_lmdbs(net):
    assert extract("conv,ip", "a,b", "2", "lmdb") == 0
    for path, values in (("a", net["conv"]), ("b", net["ip"])):
        sizes = (*values.shape[1:], 1, 1)[:3]
        head = b"".join(bytes([tag, size]) for tag, size in zip((8, 16, 24), sizes, strict=True))
        assert records(path) == [
            (b"%010d" % i, head + b"".join(b"\x35" + struct.pack("<f", v) for v in row.ravel()))
            for i, row in enumerate(values)
        ]


def test_features_in_hdf5_and_npy(net):
    assert extract("conv,ip", "a.h5,b.h5", "2", "hdf5", "CPU") == 0
    with h5py.File("a.h5") as a, h5py.File("b.h5") as b:
        assert np.array_equal(a["conv"], net["conv"]) and np.array_equal(b["ip"], net["ip"])
    assert extract("conv", "conv.npy", "2", "npy") == 0
    stored = np.load("conv.npy")
    assert stored.dtype == np.float32 and np.array_equal(stored, net["conv"])


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("conv,ip", "a", "1", "lmdb"), 2, "2 blobs and 1 datasets are named"),
        (("conv,ip", "a,a", "1", "npy"), 2, "a,a: each dataset needs a name of its own"),
        (("cnov", "a", "1", "npy"), 2, 'the net has no blob "cnov"; did you mean "conv"?'),
        (("conv", "db", "1", "lmdb"), 1, "db: exists already"),
        (("conv", "nowhere/x.npy", "1", "npy"), 1, "nowhere/x.npy: cannot be written"),
    ],
)
def test_features_that_are_refused(words, code, message, net, capsys):
    assert extract(*words) == code
    assert message in capsys.readouterr().err
