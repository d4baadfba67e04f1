"""Writing blobs of another file as an HDF5 caffemodel."""

import numpy as np

from caffe_lite.errors import ModelError
from caffe_lite.proto.atomic import atomic_path
from caffe_lite.proto.files import StrPath
from caffe_lite.proto.foreign import foreign, shorten
from caffe_lite.proto.hdf5_file import new_hdf5
from caffe_lite.weights.hdf5 import DEFINITION, LEGACY
from caffe_lite.weights.hdf5_checksum import HDF5Checksum
from caffe_lite.weights.named import Layers, blob_name


def write_hdf5_layers(layers: Layers, definition: str, path: StrPath) -> None:
    """Write `layers` as groups of `data`, and `definition` beside them; all of it or nothing.

    Raises ModelError for names that cannot stand side by side, such as layers "a" and "a/0", whose
    blob 0 and whose group would be one.
    """
    _check_names(layers, path)
    sizes = [
        blob.count * blob.dtype.itemsize for blobs in layers.values() for blob in blobs if blob
    ]
    with atomic_path(path) as temporary:
        with new_hdf5(temporary, libver="earliest") as file:
            checksum = HDF5Checksum(file, sizes)
            data = file.require_group("data")
            if definition:
                file[DEFINITION] = np.frombuffer(definition.encode(), np.uint8)
            for name, blobs in layers.items():
                shown = shorten(name)
                with foreign(lambda reason: ModelError(f'{path}: layer "{shown}": {reason}')):  # noqa: B023
                    group = data.require_group(name)
                for i, blob in enumerate(blobs):
                    if blob is not None:
                        group[str(i)] = blob.array()
                        if blob.legacy:
                            group[str(i)].attrs[LEGACY] = np.int8(1)
                        checksum.note(group[str(i)])
        checksum.fill_in(temporary)


def _check_names(layers: Layers, path: StrPath) -> None:
    blobs = {blob_name(name, i) for name, stored in layers.items() for i in range(len(stored))}
    for name in layers:
        parts = name.split("/")
        for end in range(1, len(parts) + 1):
            if "/".join(parts[:end]) in blobs:
                raise ModelError(
                    f'{path}: HDF5 cannot hold layer "{shorten(name)}" beside a blob of that name; '
                    "choose another format"
                )
        if "" in parts or "." in parts:
            raise ModelError(f'{path}: HDF5 cannot hold a layer named "{shorten(name)}"')
