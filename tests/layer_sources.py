"""Small files for the layers that read a source: the samples of their docs name them.

A layer beyond Caffe's own has a dict SOURCES in its test file: functions that write a source to a
path, by its name.
"""

import h5py
import numpy as np
from PIL import Image

from caffe_lite.proto import binary, schema
from tests.layer_cases import beside_tests


def make_sources(folder):
    """Write every source that a sample or a case names into `folder`."""
    rng = np.random.default_rng(7)
    images = rng.integers(0, 256, (6, 3, 14, 16), dtype=np.uint8)
    _lmdb(folder / "train_lmdb", images)
    with h5py.File(folder / "rows.h5", "w") as file:
        file["data"] = rng.normal(size=(6, 3, 2)).astype(np.float32)
        file["label"] = np.arange(6, dtype=np.float32)
    (folder / "train_files.txt").write_text(f"{folder / 'rows.h5'}\n")
    names = []
    for i, image in enumerate(images):
        Image.fromarray(image.transpose(1, 2, 0)).save(folder / f"{i}.png")
        names.append(str(folder / f"{i}.png"))
    (folder / "images.txt").write_text("".join(f"{name} {i}\n" for i, name in enumerate(names)))
    (folder / "windows.txt").write_text(
        "".join(
            f"# {i}\n{name}\n3\n14\n16\n3\n1 0.9 1 1 9 9\n2 0.7 3 2 12 11\n0 0.1 0 0 6 5\n"
            for i, name in enumerate(names)
        )
    )
    matrix = schema.BlobProto(num=1, channels=1, height=3, width=3, data=rng.uniform(size=9))
    binary.write(folder / "infogain.binaryproto", matrix)
    (folder / "my_layers.py").write_text(LAYERS)
    for sources in beside_tests("SOURCES"):
        for name, write in sources.items():
            write(folder / name)


def _lmdb(path, images):
    import lmdb  # tools/gpu takes the Python layer below where it is not installed

    with lmdb.open(str(path), map_size=1 << 20) as env, env.begin(write=True) as write:
        for i, image in enumerate(images):
            channels, height, width = image.shape
            datum = schema.Datum(
                channels=channels, height=height, width=width, label=i, data=image.tobytes()
            )
            write.put(f"{i:08d}".encode(), datum.SerializeToString())


# The module that samples and cases of Python layers name.
LAYERS = """
from caffe_lite import pycaffe as caffe


class Multiply(caffe.Layer):
    def setup(self, bottom, top):
        self.blobs.add_blob(1)
        self.blobs[0].data[...] = float(self.param_str)

    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].shape)

    def forward(self, bottom, top):
        top[0].data[...] = self.blobs[0].data * bottom[0].data

    def backward(self, top, propagate_down, bottom):
        self.blobs[0].diff[...] += (top[0].diff * bottom[0].data).sum()
        if propagate_down[0]:
            bottom[0].diff[...] = self.blobs[0].data * top[0].diff
"""
