"""Describe nets whose data or Python modules are missing: placeholder layers are used instead.

The shapes of their tops come from the caller, else from the layer's definition
(`Layer.source_shape`), else they are guessed.
"""

import json
from collections.abc import Mapping
from importlib import import_module

from caffe_lite import plugins
from caffe_lite.errors import BottomShapeError, LayerError, ModelError
from caffe_lite.forks.foreign_sources import foreign_batch, foreign_shape
from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import layer_class
from caffe_lite.nets.graph import filter_net, insert_splits
from caffe_lite.nets.untrusted import danger
from caffe_lite.proto import schema
from caffe_lite.proto.hints import type_of_fork
from caffe_lite.trust import is_trusted
from caffe_lite.types import Blobs, LayerParameter, NetParameter, Shape

MISSING = "(missing)"  # the type of a layer that stands for the one that should make a blob

# Two guesses for images and for rows. Numbers that come out equal for both do not depend on them.
# The others are for nets that neither fits: halved and doubled many times, or of pairs of images.
_IMAGES = (
    (3, 227, 227),
    (1, 259, 259),
    (3, 256, 256),
    (3, 448, 448),  # YOLO's
    (3, 416, 416),
    (2, 28, 28),
)
_ROWS = ((2,), (3,), (4,), (6,), (8,), (9,))
# Images with a label for each pixel are mostly street scenes: CamVid's and Cityscapes' sizes.
_SCENES = (
    (3, 360, 480),
    (1, 512, 1024),
    (3, 512, 512),
    (3, 480, 640),
    (3, 256, 256),
    (3, 224, 224),
)
GUESSES = len(_IMAGES)


class Absent(Layer):
    """Replaces a layer whose source or module is missing; its tops have given shapes.

    `param_str` is a JSON object: `type`, that of the layer that is missing, and `tops`, the shapes.
    A shape of None is that of the first bottom. For a Python layer there are also `module`, whether
    that is `missing` or only not run, and the tops whose shapes are `guessed`.
    """

    bottoms = tops = (0, None)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        given = json.loads(self.param.python_param.param_str)
        self.described_type = given["type"]
        for blob, shape in zip(top, given["tops"], strict=True):
            blob.reshape(*(bottom[0].shape if shape is None else shape))

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        """The tops have their shapes already."""


class UnknownSource(Layer):
    """Stands for a source of which little is known but its tops."""

    has_source = True

    @classmethod
    def source_batch(cls, param: LayerParameter) -> int:
        return foreign_batch(param)

    @classmethod
    def source_shape(cls, param: LayerParameter, top: int, net: NetParameter) -> Shape | None:
        return foreign_shape(param, top)

    @classmethod
    def source_exists(cls, param: LayerParameter) -> bool:
        return False


def without_sources(
    net: NetParameter, shapes: Mapping[str, Shape] | None = None, guess: int | None = None
) -> tuple[NetParameter, list[str]]:
    """A copy of the NetParameter that needs no data source and no Python module that is missing.

    The copy is filtered by the net's own `state`. `shapes` gives tops' shapes by name and replaces
    a data layer even where its source is there. Python layers whose module is missing are replaced
    too, and, unless definitions are trusted, all layers that could run code or write files. Also
    returns the names of the tops whose shape is a guess, by `guess` one of GUESSES; without `guess`
    a top of unknown shape raises ModelError.

    A blob that no layer makes becomes an input if `shapes` names it, or if the net reads nothing in
    any state: then it is a part of a net.
    """
    filtered = filter_net(net)
    reads = any(not layer.bottom and layer.type != "Parameter" for layer in net.layer)
    _add_inputs(filtered, shapes or {}, not reads)
    for layer in filtered.layer:
        _name_shipped_module(layer)
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
            absent = {"type": layer.type, "tops": tops, **_missing_module(layer, given)}
            replaced.python_param.param_str = json.dumps(absent)
            layer.CopyFrom(replaced)
    return filtered, guessed


def _add_inputs(net: NetParameter, shapes: Mapping[str, Shape], is_part: bool) -> None:
    """Add, in place, a layer of type MISSING for each blob that is used and that no layer makes.

    Unless the net `is_part` of another, only for those that `shapes` names.
    """
    made: set[str] = set()
    inputs: list[str] = []
    for layer in net.layer:
        for name in layer.bottom:
            if name not in made and (is_part or name in shapes):
                inputs.append(name)
                made.add(name)
        made.update(layer.top)
    if inputs:
        layers = [schema.LayerParameter(name=name, type=MISSING, top=[name]) for name in inputs]
        layers += net.layer
        del net.layer[:]
        net.layer.extend(layers)


def added_inputs(net: NetParameter) -> list[str]:
    """The blobs that are inputs of `net`, which `without_sources` made, as no layer makes them."""
    return [
        layer.top[0]
        for layer in net.layer
        if layer.python_param.module == __name__
        and json.loads(layer.python_param.param_str)["type"] == MISSING
    ]


def unsupported_sources(net: NetParameter) -> dict[str, str]:
    """By name, the data layers whose type only a fork of Caffe has, and what an error says of it.

    `net` is what `without_sources` made.
    """
    types = {
        layer.name: json.loads(layer.python_param.param_str)["type"]
        for layer in net.layer
        if layer.python_param.module == __name__
    }
    return {
        name: type_of_fork(type)
        for name, type in types.items()
        if type_of_fork(type) and not _is_known(type)
    }


def fitting_shape(error: BottomShapeError, net: NetParameter) -> tuple[str, Shape] | None:
    """The top of a missing source whose shape a layer rejects, and the shape that it asks for.

    `net` is what `without_sources` made. A rejected blob that is a copy of such a top, or the top
    flattened or normalized, is traced back to it. None if the blob is made by other layers.
    """
    makers: dict[str, LayerParameter] = {}
    for layer in insert_splits(net).layer:
        for top in layer.top:
            makers.setdefault(top, layer)  # not those that work in place
    name = error.blob
    while name in makers and _keeps_shape(makers[name], name):
        name = makers[name].bottom[0]
    maker = makers.get(name)
    if maker is None or maker.python_param.module != __name__:
        return None
    assumed = json.loads(maker.python_param.param_str)["tops"][list(maker.top).index(name)]
    shape = error.shape
    if assumed and len(assumed) == len(shape) + 1 and assumed[1] == 1:
        shape = (shape[0], 1, *shape[1:])  # labels with an axis for their one channel
    return name, shape


def _keeps_shape(layer: LayerParameter, top: str) -> bool:
    """Whether the top has the shape of the layer's only bottom, or is that flattened."""
    if layer.type in ("Split", "Flatten"):
        return True
    same = layer.type != "Slice" and _class_of(layer).keeps_layout
    return same and len(layer.bottom) == 1 and layer.top[0] == top


def _name_shipped_module(layer: LayerParameter) -> None:
    """Where a Python layer with bottoms must not run the user's module, name the one that ships."""
    shipped = plugins.shipped_module(layer.python_param.module)
    if layer.type == "Python" and layer.bottom and shipped and not is_trusted():
        if hasattr(import_module(shipped), layer.python_param.layer):
            layer.python_param.module = shipped


def missing_modules_behind(error: ModelError, net: NetParameter) -> tuple[str, list[str]]:
    """What to add to an error about a layer below the guessed tops of missing Python modules.

    `net` is what `without_sources` made. Also returns those tops.
    """
    found, guessed = "", []
    for layer in net.layer:
        if layer.python_param.module != __name__:
            continue
        absent = json.loads(layer.python_param.param_str)
        tops = absent.get("guessed")
        if tops and any(f'layer "{name}"' in str(error) for name in _below(tops, net)):
            state = "is missing" if absent["missing"] else "was not run"
            found += (
                f'; module "{absent["module"]}" of layer "{layer.name}" {state}, and the shape of '
                f"{', '.join(tops)} was guessed"
            )
            guessed += tops
    return found, guessed


def _below(blobs: list[str], net: NetParameter) -> list[str]:
    """The names of the layers that use these blobs, directly or by way of others."""
    reached, names = set(blobs), []
    for layer in net.layer:
        if not reached.isdisjoint(layer.bottom):
            reached.update(layer.top)
            names.append(layer.name)
    return names


def _missing_module(layer: LayerParameter, given: Mapping[str, Shape]) -> dict[str, object]:
    """What `Absent` says of a Python layer's module, and the tops whose shapes nobody gave."""
    module = layer.python_param.module
    cls = _class_of(layer)
    if layer.type != "Python" or plugins.shipped_module(module):
        return {}
    guessed = [top for top in layer.top if top not in given]
    return {"module": module, "missing": not cls.source_exists(layer), "guessed": guessed}


def _class_of(layer: LayerParameter) -> type[Layer]:
    """The layer's class; Layer itself for an unknown type, which building the net will report.

    Of a blob that nobody makes, and of a fork's data layer that is not known here, it is a source
    whose shapes are not known.
    """
    try:
        return layer_class(layer.type, layer)
    except LayerError:
        reads = not layer.bottom and layer.top and bool(type_of_fork(layer.type))
        return UnknownSource if reads or layer.type == MISSING else Layer


def _is_known(type_name: str) -> bool:
    try:
        layer_class(type_name)
    except LayerError:
        return False
    return True


def _replacement_shapes(
    layer: LayerParameter,
    net: NetParameter,
    given: Mapping[str, Shape],
    guess: int | None,
    guessed: list[str],
) -> list[Shape | None] | None:
    """The shapes of the layer's tops if it is to be replaced, else None.

    A shape of None is that of the first bottom. Names of tops that are guessed go to `guessed`.
    """
    refused = not is_trusted() and bool(danger(layer))
    cls = Layer if refused and layer.type != "Python" else _class_of(layer)
    if not refused:
        if not cls.has_source or (layer.bottom and cls.is_data):
            return None
        if not any(top in given for top in layer.top) and cls.source_exists(layer):
            return None
    if layer.bottom:
        unknown = () if layer.loss_weight else None
        known = _class_of(layer).source_shape
        return [
            given.get(top) or known(layer, i, net) or unknown for i, top in enumerate(layer.top)
        ]
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


def _guess(
    cls: type[Layer], layer: LayerParameter, top: int, net: NetParameter, guess: int
) -> Shape:
    """Images if a layer that uses the top is spatial, such as a convolution; else rows."""
    if cls.labels_pixels:
        channels, *size = _SCENES[guess]
        return (cls.source_batch(layer) or 1, 1 if top == 1 else channels, *size)
    spatial = cls.reads_images or _goes_to_spatial(layer.top[top], net)
    return (cls.source_batch(layer) or 1, *(_IMAGES if spatial else _ROWS)[guess])


def _goes_to_spatial(blob: str, net: NetParameter) -> bool:
    """Whether a spatial layer uses the blob, directly or through layers that keep the layout."""
    reached = {blob}
    for layer in net.layer:
        if not reached.isdisjoint(layer.bottom):
            cls = _class_of(layer)
            if cls.spatial:
                return True
            if cls.keeps_layout:
                reached.update(layer.top)
    return False
