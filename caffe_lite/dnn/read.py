"""Reading nets: definitions and weights from files, or from memory."""

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from caffe_lite.backend import get_ops
from caffe_lite.dnn import constants
from caffe_lite.dnn.errors import raises_cv2_error
from caffe_lite.dnn.importer import import_net
from caffe_lite.dnn.net import Net
from caffe_lite.errors import BackendError, ModelError, PrototxtError, UsageError
from caffe_lite.proto import schema
from caffe_lite.proto.files import StrPath, read_bytes
from caffe_lite.proto.load import decode
from caffe_lite.proto.upgrade import upgrade_net
from caffe_lite.weights import read_weights
from caffe_lite.weights.read import read_weights_in_memory

Buffer = bytes | bytearray | memoryview | np.ndarray
_DEFINITIONS, _WEIGHTS = (".prototxt", ".pbtxt"), (".caffemodel", ".h5")
_MEMORY = "the definition in memory"


@raises_cv2_error
def readNetFromCaffe(prototxt: StrPath | Buffer, caffeModel: StrPath | Buffer | None = None) -> Net:
    """The net of a definition, with the weights of a caffemodel if one is given.

    Each is a path, or the contents of the file as bytes, a bytearray or an array of uint8. Fields
    that are not known are skipped with a warning. A layer that needs weights and has none is an
    error when it runs, not here.
    """
    if isinstance(prototxt, Buffer):
        data, name = _bytes(prototxt), _MEMORY
    else:
        data, name = read_bytes(prototxt), os.fspath(prototxt)
    if not data:
        raise PrototxtError("it is empty", name)
    net = decode(data, schema.NetParameter, name, "warn")
    shaped = net.input_shape or net.input_dim  # else the upgrade drops the inputs
    graph = import_net(upgrade_net(net, name), () if shaped else net.input)
    return Net(graph, _weights(caffeModel))


def _bytes(buffer: Buffer) -> bytes:
    return buffer.tobytes() if isinstance(buffer, np.ndarray) else bytes(buffer)


def _weights(source: StrPath | Buffer | None) -> Mapping[str, list[Any]] | None:
    if isinstance(source, Buffer):
        return read_weights_in_memory(_bytes(source)) if len(source) else None
    return read_weights(source) if source else None


def getAvailableTargets(be: int) -> tuple[int, ...]:
    """The targets of a backend: the CPU, and with DNN_BACKEND_CUDA the GPU if there is one."""
    if be != constants.DNN_BACKEND_CUDA:
        return (constants.DNN_TARGET_CPU,)
    try:
        get_ops(0)
    except BackendError:
        return ()
    return (constants.DNN_TARGET_CUDA,)


@raises_cv2_error
def readNet(model: StrPath, config: StrPath | Buffer = "", framework: StrPath | Buffer = "") -> Net:
    """The net of two files, a definition and weights in any order, told apart by their suffixes.

    Or `readNet("caffe", weights, definition)`, of their contents. Nets of other frameworks are
    refused.
    """
    if isinstance(config, Buffer):
        if str(model).lower() != "caffe":
            raise UsageError(f'readNet reads nets of "caffe" from memory, got {model!r}')
        if not isinstance(framework, Buffer):
            raise UsageError('readNet("caffe", weights, definition) needs the definition')
        return readNetFromCaffe(framework, config)
    if framework and str(framework).lower() != "caffe":
        raise UsageError(f'framework must be "caffe" or "", got {framework!r}')
    paths = [os.fspath(path) for path in (model, config) if path]
    weights = [path for path in paths if path.lower().endswith(_WEIGHTS)]
    definitions = [path for path in paths if path not in weights]
    if len(weights) > 1 or len(definitions) != 1:
        raise UsageError(
            f"readNet takes a definition (.prototxt) and weights (.caffemodel), got "
            f"{' and '.join(paths) or 'nothing'}"
        )
    if not weights and not framework and not definitions[0].lower().endswith(_DEFINITIONS):
        raise ModelError(
            f"{definitions[0]}: not a Caffe net by its suffix; give a .prototxt, and a "
            ".caffemodel with it"
        )
    return readNetFromCaffe(definitions[0], weights[0] if weights else None)
