"""Describe nets whose data or Python modules are elsewhere: stand-ins take their layers' places.

Shapes come from the caller, else from what the layer's definition tells.
"""

import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from importlib.abc import SourceLoader
from importlib.machinery import PathFinder
from typing import Any

from caffe_lite.blob import Blob
from caffe_lite.errors import ModelError
from caffe_lite.layers.base import Layer
from caffe_lite.layers.python import SHIPPED
from caffe_lite.lrcn import sequence_input_layer
from caffe_lite.nets.graph import filter_net
from caffe_lite.proto import schema

Shape = tuple[int, ...]

_SPATIAL = ("Convolution", "Deconvolution", "Pooling", "LRN", "Im2col")
# Layers whose tops are images where their bottoms are
_PASSING = (
    "BatchNorm",
    "Bias",
    "Concat",
    "Dropout",
    "Eltwise",
    "Power",
    "ReLU",
    "Scale",
    "Slice",
    "Split",
)
# Two images and two rows of different sizes; what a net makes of both alike does not depend on them
_IMAGES = ((3, 227, 227), (1, 259, 259))
_ROWS = ((2,), (3,))


class Absent(Layer):
    """Stands in for a layer whose source or module is missing; its tops have the shapes told.

    `param_str` is a JSON object: `type`, that of the layer it stands for, and `tops`, their shapes.
    """

    bottoms = tops = (0, None)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        told = json.loads(self.param.python_param.param_str)
        self.stands_for = told["type"]
        for blob, shape in zip(top, told["tops"], strict=True):
            blob.reshape(*(bottom[0].shape if shape is None else shape))

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """The tops have their shapes already."""


def without_sources(
    net: Any, shapes: Mapping[str, Shape] | None = None, guess: int | None = None
) -> tuple[Any, list[str]]:
    """A copy of the NetParameter with stand-ins for data layers whose source is missing.

    The copy is filtered by the net's own `state`. `shapes` gives tops' shapes by name and replaces
    a data layer even where its source is there. Python layers whose module is missing are replaced
    too. With the copy come the names of the tops whose shape nobody tells: it is a guess, the first
    or the second by `guess` 0 or 1; without it they raise a ModelError.
    """
    filtered = filter_net(net)
    given = dict(shapes or {})
    guessed: list[str] = []
    inferred = [
        _replacement_shapes(layer, filtered, given, guess, guessed) for layer in filtered.layer
    ]
    for layer, tops in zip(filtered.layer, inferred, strict=True):
        if tops is not None:
            replaced = schema.LayerParameter(
                name=layer.name,
                type="Python",
                top=layer.top,
                bottom=layer.bottom,
                loss_weight=layer.loss_weight,
            )
            replaced.python_param.module = __name__
            replaced.python_param.layer = Absent.__name__
            replaced.python_param.param_str = json.dumps({"type": layer.type, "tops": tops})
            layer.CopyFrom(replaced)
    return filtered, guessed


def _replacement_shapes(
    layer: Any, net: Any, given: Mapping[str, Shape], guess: int | None, guessed: list[str]
) -> list[Shape | None] | None:
    """The shapes of the layer's tops if it is to be replaced, else None.

    A shape of None is that of the first bottom.
    """
    if layer.type not in _SHAPES or (layer.bottom and layer.type != "Python"):
        return None
    if not any(top in given for top in layer.top) and _source_is_there(layer):
        return None
    if layer.bottom:
        return [given.get(top, () if layer.loss_weight else None) for top in layer.top]
    tops: list[Shape | None] = []
    for i, top in enumerate(layer.top):
        shape = given.get(top) or _SHAPES[layer.type](layer, i, net)
        if shape is None and guess is not None:
            shape = _guess(layer, i, net, guess)
            guessed.append(top)
        if shape is None:
            raise ModelError(
                f'layer "{layer.name}" ({layer.type}): its source is missing and its '
                f'definition does not tell the shape of top "{top}"; give it with '
                f"--shape {top}=N,..."
            )
        tops.append(shape)
    return tops


def _source_is_there(layer: Any) -> bool:
    if layer.type == "Python":
        return _can_be_imported(layer.python_param.module.partition(".")[0])
    return os.path.exists(_parameters(layer).source)


def _can_be_imported(module: str) -> bool:
    spec = PathFinder.find_spec(module, [*sys.path, os.getcwd()])
    try:
        return spec is not None and (
            not isinstance(spec.loader, SourceLoader) or spec.loader.get_code(module) is not None
        )
    except SyntaxError:
        return module not in SHIPPED  # its error is told, unless ours takes its place


def _parameters(layer: Any) -> Any:
    return {
        "Data": layer.data_param,
        "ImageData": layer.image_data_param,
        "WindowData": layer.window_data_param,
        "HDF5Data": layer.hdf5_data_param,
    }[layer.type]


def _guess(layer: Any, top: int, net: Any, guess: int) -> Shape:
    """Images where a layer above looks at neighbours, else rows."""
    batch = 1 if layer.type == "Python" else _parameters(layer).batch_size
    spatial = layer.type in ("Data", "ImageData", "WindowData") or _goes_to_spatial(
        layer.top[top], net
    )
    return (batch, *(_IMAGES if spatial else _ROWS)[guess])


def _goes_to_spatial(blob: str, net: Any) -> bool:
    """Whether a layer that looks at neighbours takes the blob, as it is or by way of others."""
    reached = {blob}
    for layer in net.layer:
        if not reached.isdisjoint(layer.bottom):
            if layer.type in _SPATIAL:
                return True
            if layer.type in _PASSING:
                reached.update(layer.top)
    return False


def _image(layer: Any, top: int, net: Any) -> Shape | None:
    """Images are cropped, or resized by ImageData; the label is one number an item."""
    param, transform = _parameters(layer), layer.transform_param
    if top > 0:
        return (param.batch_size,)
    height = width = transform.crop_size or getattr(param, "crop_size", 0)
    if not height and layer.type == "ImageData":
        height, width = param.new_height, param.new_width
    grey = transform.force_gray or (layer.type == "ImageData" and not param.is_color)
    return (param.batch_size, 1 if grey else 3, height, width) if height and width else None


def _rows(layer: Any, top: int, net: Any) -> Shape | None:
    """Labels and LRCN's clip markers are one number a row; of its captions each row holds a word
    of every stream."""
    name, param = layer.top[top], layer.hdf5_data_param
    if "label" in name or name == "clip_markers":
        return (param.batch_size,)
    if not name.endswith("_sentence"):
        return None
    images = [
        _parameters(other).batch_size
        for other in net.layer
        if other.type in ("ImageData", "HDF5Data")
        and not any(top.endswith("_sentence") for top in other.top)
    ]
    folder = re.search(r"buffer_(\d+)", param.source)
    streams = images[0] if images else int(folder[1]) if folder else 1
    return (param.batch_size, streams)


def _clips(layer: Any, top: int, net: Any) -> Shape | None:
    """LRCN's clip loaders: frames in time-major order, a label and a marker for each."""
    loader = getattr(sequence_input_layer, layer.python_param.layer, None)
    if SHIPPED.get(layer.python_param.module) != sequence_input_layer.__name__ or loader is None:
        return None
    return loader.shapes(layer.python_param.param_str)[min(top, 2)]


_SHAPES = {
    "Data": _image,
    "ImageData": _image,
    "WindowData": _image,
    "HDF5Data": _rows,
    "Python": _clips,
}
