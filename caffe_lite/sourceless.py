"""Describe nets whose data is elsewhere: data layers become Input layers of the same tops.

Shapes come from the caller, else from what the layer's definition tells.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from typing import Any

from caffe_lite.errors import ModelError
from caffe_lite.graph import filter_net
from caffe_lite.proto import schema

Shape = tuple[int, ...]

# LRCN's clip loaders name no sizes in the prototxt: clips per batch and the crop are theirs.
_CLIP_LOADERS = {
    "videoReadTrain_RGB": (24, 227), "videoReadTest_RGB": (3, 227),
    "videoReadTrain_flow": (24, 227), "videoReadTest_flow": (3, 227),
}
_CLIP_LENGTH = 16


def without_sources(net: Any, phase: int, *, level: int = 0, stages: Iterable[str] = (),
                    shapes: Mapping[str, Shape] | None = None) -> Any:
    """A copy of the NetParameter in which data layers without their source are Input layers.

    The copy is filtered by the state given. `shapes` gives tops' shapes by name and replaces a data
    layer even where its source is there. Raises ModelError for a top whose shape nobody tells.
    """
    stated = schema.NetParameter()
    stated.CopyFrom(net)
    stated.state.phase = phase
    stated.state.level = level
    stated.state.stage.extend(stages)
    filtered = filter_net(stated)
    given = dict(shapes or {})
    inferred = [_replacement_shapes(layer, filtered, given) for layer in filtered.layer]
    for layer, tops in zip(filtered.layer, inferred, strict=True):
        if tops is not None:
            replaced = schema.LayerParameter(name=layer.name, type="Input", top=layer.top)
            for shape in tops:
                replaced.input_param.shape.add(dim=shape)
            layer.CopyFrom(replaced)
    return filtered


def _replacement_shapes(layer: Any, net: Any, given: Mapping[str, Shape]) -> list[Shape] | None:
    """The shapes of the layer's tops if it is to be replaced, else None."""
    if layer.bottom or layer.type not in _SHAPES:
        return None
    if not any(top in given for top in layer.top) and _source_is_there(layer):
        return None
    tops = []
    for i, top in enumerate(layer.top):
        shape = given.get(top) or _SHAPES[layer.type](layer, i, net)
        if shape is None:
            raise ModelError(f'layer "{layer.name}" ({layer.type}): its source is missing and its '
                             f'definition does not tell the shape of top "{top}"; give it with '
                             f"--shape {top}=N,...")
        tops.append(shape)
    return tops


def _source_is_there(layer: Any) -> bool:
    if layer.type == "Python":
        return layer.python_param.layer not in _CLIP_LOADERS
    return os.path.exists(_parameters(layer).source)


def _parameters(layer: Any) -> Any:
    return {"Data": layer.data_param, "ImageData": layer.image_data_param,
            "WindowData": layer.window_data_param, "HDF5Data": layer.hdf5_data_param}[layer.type]


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


def _sentence(layer: Any, top: int, net: Any) -> Shape | None:
    """LRCN's captions: one row per word, one column per stream, as many as images in a batch."""
    name = layer.top[top]
    if not name.endswith("_sentence"):
        return None
    images = [other.image_data_param.batch_size for other in net.layer
              if other.type == "ImageData"]
    folder = re.search(r"buffer_(\d+)", layer.hdf5_data_param.source)
    streams = images[0] if images else int(folder[1]) if folder else 1
    return (layer.hdf5_data_param.batch_size, streams)


def _clips(layer: Any, top: int, net: Any) -> Shape | None:
    """LRCN's clip loaders: frames in time-major order, a label and a marker for each."""
    loader = _CLIP_LOADERS.get(layer.python_param.layer)
    if loader is None:
        return None
    frames = loader[0] * _CLIP_LENGTH
    return [(frames, 3, loader[1], loader[1]), (frames,), (frames,)][min(top, 2)]


_SHAPES = {"Data": _image, "ImageData": _image, "WindowData": _image, "HDF5Data": _sentence,
           "Python": _clips}
