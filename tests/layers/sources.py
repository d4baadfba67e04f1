"""Small data sources for the tests of data layers."""

import h5py
import numpy as np

from caffe_lite.data.datum import encode
from caffe_lite.data.images import encode_image, write_image
from caffe_lite.data.lmdb_writer import LmdbWriter
from caffe_lite.proto import schema
from caffe_lite.testing import make_layer
from tests.layers.helpers import fails


def write_rows(folder, counts=(4, 3, 6), start=0):
    """HDF5 files with `counts` rows, numbered through, and the list of them."""
    row = start
    for i, count in enumerate(counts):
        ids = np.arange(row, row + count)
        with h5py.File(folder / f"{i}.h5", "w") as file:
            file["data"] = np.float32(ids[:, None, None] * 100 + np.arange(6).reshape(2, 3))
            file["label"] = ids.astype(np.int64)
        row += count
    (folder / "list.txt").write_text("".join(f"{folder}/{i}.h5\n" for i in range(len(counts))))
    return folder / "list.txt"


def pictures(count, height=6, width=5, channels=3):
    """uint8 images (channels, height, width), all different."""
    return np.random.default_rng(count).integers(
        0, 256, (count, channels, height, width), dtype=np.uint8
    )


def encode_file(data, label=0):
    """The bytes of an image file as an encoded datum."""
    return schema.Datum(data=data, label=label, encoded=True).SerializeToString()


def write_mean(path, mean):
    """The mean image (C, H, W) as a binary BlobProto of shape (1, C, H, W), as Caffe has it."""
    channels, height, width = mean.shape
    blob = schema.BlobProto(num=1, channels=channels, height=height, width=width)
    blob.data.extend(mean.ravel().tolist())
    path.write_bytes(blob.SerializeToString())


def write_database(path, images, encoded=False):
    """An LMDB of images labelled by their numbers."""
    with LmdbWriter(path) as writer:
        for i, image in enumerate(images):
            file = encode_image(image.transpose(1, 2, 0)) if encoded else None
            writer.put(encode_file(file, i) if file else encode(image, i))


def write_images(folder, images):
    """PNG files and the list of them, labelled by their numbers."""
    lines = []
    for i, image in enumerate(images):
        write_image(folder / f"picture {i}.png", image.transpose(1, 2, 0))
        lines.append(f"picture {i}.png {i}\n")
    (folder / "images.txt").write_text("".join(lines))
    return folder / "images.txt"


def batches(run, count):
    """That many forwards, each a list of arrays."""
    return [run.forward() for _ in range(count)]


def check_resume(prototxt, before, after, **options):
    """A layer given the state of another goes on as that one did, in front of its read-ahead."""
    run, other, twin = (make_layer(prototxt, seed=3, **options) for _ in range(3))
    batches(run, before)
    batches(twin, before)
    state = run.layer.get_state()
    expected = batches(run, after)
    other.forward()  # its thread has read ahead by now
    other.layer.set_state(state)
    for resumed in (batches(other, after), batches(twin, after)):
        for mine, theirs in zip(resumed, expected, strict=True):
            for a, b in zip(mine, theirs, strict=True):
                np.testing.assert_array_equal(a, b)
    for each in (run, other, twin):
        each.layer.close()


def fails_with(prototxt, *parts, **options):
    fails(prototxt, [], *parts, **options)
