"""Reading weights files: the content decides which kind a file is."""

from caffe_lite.errors import ModelError
from caffe_lite.proto.files import StrPath
from caffe_lite.proto.sniff import HDF5_SIGNATURE, describe, is_binary
from caffe_lite.weights.caffemodel import read_caffemodel
from caffe_lite.weights.mapped import MappedFile
from caffe_lite.weights.npz import is_zip, read_npz
from caffe_lite.weights.safetensors import is_safetensors, read_safetensors
from caffe_lite.weights.stored import Weights


def read_weights(path: StrPath) -> Weights:
    """The learned blobs in the file at `path`, a mapping of layer names to lists of arrays.

    The file is a binary caffemodel (Caffe 1.0, its `recurrent` and LRCN forks, V0 and V1 layers,
    4-D blob shapes, double_data, NVIDIA's raw_data in half precision), an HDF5 caffemodel, or a
    safetensors or npz file that `caffe_lite convert` wrote or whose arrays are named
    "<layer>/<number>"; its content decides, not its name. Only its structure is read now, values
    when they are used; a checksum, if it has one, is verified with them. Raises ModelError, in one
    line that says what it is, for any other file.
    """
    return _read(MappedFile(path))


def read_weights_in_memory(contents: bytes) -> Weights:
    """As `read_weights`, of a file's contents; HDF5 must be a file."""
    return _read(MappedFile("the weights in memory", contents))


def _read(file: MappedFile) -> Weights:
    if is_hdf5(file):
        from caffe_lite.weights.hdf5 import read_hdf5

        return read_hdf5(file)
    if is_safetensors(file):
        return read_safetensors(file)
    if is_zip(file):
        return read_npz(file)
    head = file.data[:65536]
    kind = describe(head)
    if kind is None and not is_binary(head):
        kind = "text (a definition?)"
    if kind:
        raise ModelError(
            f"{file.path}: this is {kind}; weights are a binary .caffemodel, an HDF5 file "
            ".caffemodel.h5, or .safetensors or .npz"
        )
    return read_caffemodel(file)


def is_hdf5(file: MappedFile) -> bool:
    """Whether HDF5's signature is at byte 0, or after a user block: at 512, 1024, 2048 ...

    Raises ModelError if it came through a pipe or from memory: the HDF5 library opens files by
    name.
    """
    offset = 0
    while offset + len(HDF5_SIGNATURE) <= file.size:
        if file.data[offset : offset + len(HDF5_SIGNATURE)] == HDF5_SIGNATURE:
            if file.piped:
                raise ModelError(
                    f"{file.path}: HDF5 cannot be read from a pipe or from memory; give the file"
                )
            return True
        offset = 2 * offset or 512
    return False
