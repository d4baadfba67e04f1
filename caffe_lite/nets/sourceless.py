"""Describe nets whose data or Python modules are elsewhere: stand-ins take their layers' places.

Shapes come from the caller, else from the layer's definition (`Layer.source_shape`), else they are
guessed.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from caffe_lite.blob import Blob
from caffe_lite.errors import LayerError, ModelError
from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import layer_class
from caffe_lite.nets.graph import filter_net
from caffe_lite.nets.untrusted import danger
from caffe_lite.proto import schema
from caffe_lite.trust import is_trusted

Shape = tuple[int, ...]

# Two images and two rows of different sizes; what a net makes of both alike does not depend on them
_IMAGES = ((3, 227, 227), (1, 259, 259))
_ROWS = ((2,), (3,))


class Absent(Layer):
    """Stands in for a layer whose source or module is missing; its tops have given shapes.

    `param_str` is a JSON object: `type`, that of the layer it stands for, and `tops`, their shapes.
    """

    bottoms = tops = (0, None)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        given = json.loads(self.param.python_param.param_str)
        self.stands_for = given["type"]
        for blob, shape in zip(top, given["tops"], strict=True):
            blob.reshape(*(bottom[0].shape if shape is None else shape))

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """The tops have their shapes already."""


def without_sources(
    net: Any, shapes: Mapping[str, Shape] | None = None, guess: int | None = None
) -> tuple[Any, list[str]]:
    """A copy of the NetParameter with stand-ins for data layers whose source is missing.

    The copy is filtered by the net's own `state`. `shapes` gives tops' shapes by name and replaces
    a data layer even where its source is there. Python layers whose module is missing are replaced
    too, and, unless definitions are trusted, all layers that could run code or write files. Also
    returns the names of the tops whose shape is a guess, the first or the second by `guess` 0 or 1;
    without `guess` a top of unknown shape raises ModelError.
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


def _class_of(layer: Any) -> type[Layer]:
    """The layer's class; of a type that nobody knows, which the net will report, the base."""
    try:
        return layer_class(layer.type, layer)
    except LayerError:
        return Layer


def _replacement_shapes(
    layer: Any, net: Any, given: Mapping[str, Shape], guess: int | None, guessed: list[str]
) -> list[Shape | None] | None:
    """The shapes of the layer's tops if it is to be replaced, else None.

    A shape of None is that of the first bottom.
    """
    refused = not is_trusted() and bool(danger(layer))
    cls = Layer if refused and layer.type != "Python" else _class_of(layer)
    if not refused:
        if not cls.has_source or (layer.bottom and cls.is_data):
            return None
        if not any(top in given for top in layer.top) and cls.source_exists(layer):
            return None
    if layer.bottom:
        return [given.get(top, () if layer.loss_weight else None) for top in layer.top]
    tops: list[Shape | None] = []
    for i, top in enumerate(layer.top):
        shape = given.get(top) or cls.source_shape(layer, i, net)
        if shape is None and guess is not None:
            shape = _guess(cls, layer, i, net, guess)
            guessed.append(top)
        if shape is None:
            raise ModelError(
                f'layer "{layer.name}" ({layer.type}): its source is missing, and the shape of '
                f'top "{top}" does not follow from its definition; give it with '
                f"--shape {top}=N,..."
            )
        tops.append(shape)
    return tops


def _guess(cls: type[Layer], layer: Any, top: int, net: Any, guess: int) -> Shape:
    """Images where a layer above looks at neighbours, else rows."""
    spatial = cls.reads_images or _goes_to_spatial(layer.top[top], net)
    return (cls.source_batch(layer), *(_IMAGES if spatial else _ROWS)[guess])


def _goes_to_spatial(blob: str, net: Any) -> bool:
    """Whether a layer that looks at neighbours takes the blob, directly or through others."""
    reached = {blob}
    for layer in net.layer:
        if not reached.isdisjoint(layer.bottom):
            cls = _class_of(layer)
            if cls.spatial:
                return True
            if cls.keeps_layout:
                reached.update(layer.top)
    return False
