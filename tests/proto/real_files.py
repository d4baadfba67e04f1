"""The first bytes of real files, written by the libraries whose formats they are."""

import gzip
import io
import zipfile

import h5py
import numpy as np
from PIL import Image


def hdf5():
    file = io.BytesIO()
    with h5py.File(file, "w") as opened:
        opened["data/ip/0"] = np.ones(3)
    return file.getvalue()


def zipped():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as opened:
        opened.writestr("a", b"b")
    return file.getvalue()


def image(form):
    file = io.BytesIO()
    Image.fromarray(np.zeros((4, 3, 3), np.uint8)).save(file, form)
    return file.getvalue()


def numpy_array():
    file = io.BytesIO()
    np.save(file, np.ones(3))
    return file.getvalue()


FILES = {
    "an HDF5 file": hdf5(),
    "a zip archive": zipped(),
    "a gzip archive": gzip.compress(b"a"),
    "a NumPy .npy file": numpy_array(),
    "a PNG image": image("PNG"),
    "a JPEG image": image("JPEG"),
}
