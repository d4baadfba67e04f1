"""A small net to step through: from a definition with other inputs, or around one layer type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product

import numpy as np

from caffe_lite.backend import get_ops
from caffe_lite.errors import BottomShapeError, CaffeError, UsageError, did_you_mean
from caffe_lite.layers import describe
from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import layer_class
from caffe_lite.nets.graph import filter_net
from caffe_lite.nets.net import Net
from caffe_lite.proto import schema, text
from caffe_lite.types import NetParameter, Shape

# What a first bottom may look like: steps by streams by numbers, rows, and images.
FIRST_SHAPES: tuple[Shape, ...] = ((4, 2, 3), (3, 4), (5,), (1, 2, 3), (2, 3, 4, 4), (1, 4, 6, 6))
BOUNDS = (3, 2)  # integers from 0 below these fill bottoms that take no gradient
ATTEMPTS = 8  # at shapes that a layer asks for


def with_inputs(net: NetParameter, shapes: Mapping[str, Shape]) -> NetParameter:
    """A copy of a filtered NetParameter whose data layers with a top in `shapes` are Input layers.

    Raises UsageError for a top that no data layer has, and for a data layer with a top left out.
    """
    copy = filter_net(net)
    left = dict(shapes)
    for layer in copy.layer:
        if not set(layer.top) & set(shapes):
            continue
        if not (layer.type == "Input" or layer_class(layer.type, layer).is_data):
            raise UsageError(
                f'--shape {next(t for t in layer.top if t in shapes)}=...: layer "{layer.name}" '
                f"({layer.type}) computes it; only tops of data layers can be given"
            )
        missing = [top for top in layer.top if top not in shapes]
        if missing:
            raise UsageError(
                f'layer "{layer.name}" ({layer.type}) also has the top "{missing[0]}"; '
                f"give --shape {missing[0]}=..., too"
            )
        replaced = schema.LayerParameter(name=layer.name, type="Input", top=layer.top)
        for top in layer.top:
            replaced.input_param.shape.add().dim.extend(left.pop(top))
        layer.CopyFrom(replaced)
    if left:
        known = [top for layer in copy.layer for top in layer.top]
        name = next(iter(left))
        raise UsageError(f"--shape {name}=...: no layer has such a top{did_you_mean(name, known)}")
    return copy


def fill(net: Net, given: Mapping[str, np.ndarray], bound: int, seed: int) -> None:
    """Write the net's inputs: arrays given by name, else integers where no gradient goes, else
    normal random numbers. Raises UsageError for a name or shape that does not fit.
    """
    for name, values in given.items():
        if name not in net.inputs:
            raise UsageError(f'the net has no input "{name}"{did_you_mean(name, net.inputs)}')
        if values.shape != net.blobs[name].shape:
            raise UsageError(
                f'input "{name}" has shape {net.blobs[name].shape}, the values given have '
                f"{values.shape}"
            )
    rng = np.random.default_rng(seed)
    discrete = _takes_integers(net)
    for name in net.inputs:
        shape = net.blobs[name].shape
        drawn = rng.integers(0, bound, shape) if name in discrete else rng.normal(size=shape)
        net.blobs[name].data[...] = given.get(name, drawn)


def _takes_integers(net: Net) -> set[str]:
    """Inputs that some layer reads as labels, indices or indicators."""
    copies = {
        top: net.bottom_names[node.param.name][0]
        for node in net.wiring.nodes
        if node.param.type == "Split"
        for top in net.top_names[node.param.name]
    }
    found = set()
    for layer in net.layers:
        names = net.bottom_names[layer.name]
        for i in layer.no_gradient:
            if i < len(names):
                found.add(copies.get(names[i], names[i]))
    return found


def sample_net(type_name: str, shapes: Mapping[str, Shape], phase: int, seed: int) -> Net:
    """A float64 net of Input layers and the sample layer of a type's page, run forward once.

    The shapes of its inputs are `shapes`, or the first that the layer accepts. Raises UsageError
    for a layer without bottoms and where none fits.
    """
    cls = layer_class(type_name)
    layer = text.parse(describe.sample(cls), schema.NetParameter).layer[0]
    if not layer.bottom:
        raise UsageError(f"{type_name} has no bottoms, so there is nothing to step through")
    last: CaffeError | None = None
    for guess in _guesses(cls, list(layer.bottom), shapes):
        for bound in BOUNDS:
            try:
                return _built(layer, guess, phase, seed, bound)
            except CaffeError as error:
                last = last or error
    raise UsageError(
        f"found no small inputs for {type_name} ({last}); give --shape {layer.bottom[0]}=N,..."
    )


def _guesses(
    cls: type[Layer], names: list[str], shapes: Mapping[str, Shape]
) -> Iterator[dict[str, Shape]]:
    """Shapes to try, by bottom."""
    # Images first for layers that have windows over them.
    for first in sorted(FIRST_SHAPES, key=lambda shape: cls.spatial and len(shape) != 4):
        batch, last = first[:1], first[-1]
        others = (
            *(first, batch, first[:2], first[1:2], (*batch, 5), (*batch, 1, 1, 1)),
            (*first[:-1], 4 * last),
        )
        for rest in product(others, repeat=min(len(set(names)) - 1, 2)):
            made = dict(zip(dict.fromkeys(names), (first, *rest, *[first] * 9), strict=False))
            yield made | {name: shape for name, shape in shapes.items() if name in made}


def _built(layer: object, shapes: dict[str, Shape], phase: int, seed: int, bound: int) -> Net:
    shapes = dict(shapes)
    for _ in range(ATTEMPTS):
        param: NetParameter = schema.NetParameter(force_backward=True)
        for name, shape in shapes.items():
            made = param.layer.add(name=f"{name} (input)", type="Input", top=[name])
            made.input_param.shape.add().dim.extend(shape)
        param.layer.add().CopyFrom(layer)
        try:
            net = Net(param, phase, get_ops(dtype="float64"), seed=seed)
        except BottomShapeError as error:
            if shapes.get(error.blob) == error.shape:
                raise
            shapes[error.blob] = error.shape
            continue
        try:
            fill(net, {}, bound, seed)
            net.forward()
        except BaseException:
            net.close()
            raise
        return net
    raise UsageError("no shapes fit")
