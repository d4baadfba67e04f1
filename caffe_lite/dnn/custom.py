"""Layers that a program writes in Python, as `cv2.dnn_registerLayer` takes them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np

from caffe_lite.dnn.errors import raises_cv2_error
from caffe_lite.errors import LayerError, UsageError
from caffe_lite.layers.base import Layer
from caffe_lite.types import Blobs, LayerParameter, Message

_registered: dict[str, Callable[..., Any]] = {}


@raises_cv2_error
def registerLayer(type: str, layerClass: Callable[..., Any]) -> None:
    """Make layers of a type instances of a class, in nets that are read or run from now on.

    `layerClass(params, blobs)` gets the fields that the definition sets, by name, and learned
    blobs, of which there are none. `getMemoryShapes(inputs)` returns the shapes of the outputs for
    those of the inputs, `forward(inputs)` the outputs, as arrays. The class takes precedence over a
    built-in type of this name. It is `cv2.dnn_registerLayer` in OpenCV.
    """
    if not callable(layerClass):
        raise UsageError(f"registerLayer takes a class, got {layerClass!r}")
    _registered[type] = layerClass


def unregisterLayer(type: str) -> None:
    """Forget what `registerLayer` was told of this type."""
    _registered.pop(type, None)


def is_custom(type_: str) -> bool:
    """Whether a program has registered this type."""
    return type_ in _registered


def as_python_layer(layer: LayerParameter) -> None:
    """Turn a layer of a registered type into a Python layer that calls the program's class."""
    param = json.dumps([layer.type, _fields(layer)])
    layer.type = "Python"
    layer.python_param.Clear()
    layer.python_param.module = __name__
    layer.python_param.layer = CustomLayer.__name__
    layer.python_param.param_str = param


def _fields(layer: LayerParameter) -> dict[str, Any]:
    """The fields of a layer's messages that the definition sets."""
    found: dict[str, Any] = {}
    for field, value in layer.ListFields():
        if field.name.endswith("_param") and field.message_type is not None:
            message: Message = value
            for inner, given in message.ListFields():
                if inner.message_type is None:
                    single = isinstance(given, (bool, int, float, str, bytes))
                    found[inner.name] = given if single else list(given)
    return found


class CustomLayer(Layer):
    """The Python layer that runs an instance of a registered class."""

    param_str = ""  # set by the Python layer around it

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        type_, params = json.loads(self.param_str)
        if type_ not in _registered:
            raise LayerError(f'layer "{self.name}": nothing is registered for type "{type_}"')
        self._layer = _registered[type_](params, [])

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        shapes = self._layer.getMemoryShapes([list(blob.shape) for blob in bottom])
        for blob, shape in zip(top, shapes, strict=True):
            blob.reshape(*shape)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        outputs = self._layer.forward([np.array(blob.data) for blob in bottom])
        for blob, values in zip(top, outputs, strict=True):
            blob.data[...] = values
