"""The inputs that exported nets are tried on: random numbers of the kinds that layers take."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from caffe_lite.errors import CaffeError
from caffe_lite.export.free_axes import FreeAxis, with_size
from caffe_lite.layers.base import Layer
from caffe_lite.nets.net import Net
from caffe_lite.types import Array, Generator, Shape

Maker = Callable[[Generator, Shape], Array]

# Layers that pass on what kind of numbers they take.
_CARRIERS = {"Split", "Reshape", "Flatten", "Slice", "Concat", "Transpose", "Permute", "Reverse"}


def trials(
    net: Net, axes: Sequence[FreeAxis], seed: int = 0, one_sequence: bool = False
) -> list[dict[str, Array]]:
    """Inputs for the proof: of the net's own shapes, then of others as far as the net permits.

    The second has another size of the first of `axes`, the third other sizes of all that may
    change together. With `one_sequence` sequences begin at the first time step only.
    """
    rng = np.random.default_rng(seed)
    return [_inputs(net, shapes, rng, one_sequence) for shapes in trial_shapes(net, axes)]


def continued_trial(net: Net, seed: int = 0) -> dict[str, Array]:
    """Inputs of which every sequence continues one from before; {} if they do not say that."""
    inputs = trials(net, (), seed)[0]
    shapes = {name: value.shape for name, value in inputs.items()}
    marks = [name for name, made in _makers(net, shapes).items() if made is _indicators]
    marks = [name for name in marks if name in inputs]
    return {**inputs, **{name: np.ones_like(inputs[name]) for name in marks}} if marks else {}


def trial_shapes(net: Net, axes: Sequence[FreeAxis]) -> list[dict[str, Shape]]:
    """The shapes of inputs that `trials` takes: the net's own, and up to two others."""
    own = {name: net.blobs[name].shape for name in net.inputs}
    found = [own]
    if axes:
        first = axes[0]
        found.append(with_size(own, first.members, first.sizes[0]))
        together = found[-1]
        for axis in axes[1:]:
            changed = with_size(together, axis.members, axis.sizes[0])
            if _takes(net, changed):
                together = changed
        if together == found[-1]:
            size = first.size - 1 or first.size + 2
            together = with_size(own, first.members, size)
        if _takes(net, together):
            found.append(together)
    _takes(net, own)
    return found


def _takes(net: Net, shapes: Mapping[str, Shape]) -> bool:
    """Whether the net can have inputs of these shapes, which it then has."""
    for name, shape in shapes.items():
        net.blobs[name].reshape(*shape)
    try:
        net.reshape(keep_varying=True)
    except CaffeError:
        return False
    return True


def _inputs(
    net: Net, shapes: Mapping[str, Shape], rng: Generator, one_sequence: bool
) -> dict[str, Array]:
    makers = _makers(net, shapes)
    if one_sequence:
        makers.update({k: _one_sequence for k, made in makers.items() if made is _indicators})
    return {
        name: makers.get(name, _normal)(rng, shape).astype(np.float32)
        for name, shape in shapes.items()
    }


def _makers(net: Net, shapes: Mapping[str, Shape]) -> dict[str, Maker]:
    """By name, how the numbers of a blob are made, where a layer wants more than any number."""
    found: dict[str, Maker] = {}
    for node, layer in reversed(list(zip(net.wiring.nodes, net.layers, strict=True))):
        bottoms = [net.wiring.blob_names[b] for b in node.bottom]
        tops = [net.wiring.blob_names[t] for t in node.top]
        if node.param.type in _CARRIERS:
            for top in tops:
                if top in found:
                    for bottom in bottoms:
                        found.setdefault(bottom, found[top])
        for i, bottom in enumerate(bottoms):
            maker = _maker(layer, i, [net.blobs[name].shape for name in bottoms], shapes)
            if maker is not None:
                found[bottom] = maker
    return found


def _maker(
    layer: Layer, bottom: int, given: Sequence[Shape], inputs: Mapping[str, Shape]
) -> Maker | None:
    """How bottom number `bottom` of a layer is made, if not any number will do."""
    kind = layer.type
    if kind in ("LSTM", "RNN", "Lstm") and bottom == 1:
        return _indicators
    if kind == "LSTMUnit" and bottom == 2:
        return _indicators
    if kind == "Embed":
        size = int(layer.param.embed_param.input_dim)
        return lambda rng, shape: rng.integers(0, size, shape)
    if kind == "Filter" and bottom == len(given) - 1:
        return _selectors
    if kind == "BatchReindex" and bottom == 1:
        # The first axis of any input is the batch, unless it is that of the indices.
        items = min((shape[0] for shape in inputs.values() if len(shape) > 1), default=1)
        return lambda rng, shape: rng.integers(0, min(items, given[0][0]), shape)
    if kind in ("Unpooling", "Upsample") and bottom == 1:
        return _places
    if kind in ("ROIPooling", "PSROIPooling", "ROIAlign") and bottom == 1:
        return _boxes(_scale_of(layer), given[0], inputs)
    proposes = kind == "Python" and layer.param.python_param.layer == "ProposalLayer"
    if (kind == "Proposal" or proposes) and bottom == 2:
        return _image_info(inputs)
    return None


def _normal(rng: Generator, shape: Shape) -> Array:
    return rng.normal(size=shape)


def _indicators(rng: Generator, shape: Shape) -> Array:
    """Sequences that begin at the first step, and at others anywhere."""
    cont = (rng.random(shape) < 0.7).astype(np.float32)
    cont[0] = 0
    return cont


def _one_sequence(rng: Generator, shape: Shape) -> Array:
    cont = np.ones(shape, np.float32)
    cont[0] = 0
    return cont


def _selectors(rng: Generator, shape: Shape) -> Array:
    """Some items are kept, the first among them."""
    keep = (rng.random(shape) < 0.5).astype(np.float32)
    keep[0] = 1
    return keep


def _places(rng: Generator, shape: Shape) -> Array:
    """Places in a plane that is at least as large, none twice."""
    plane = int(np.prod(shape[2:]))
    planes = np.tile(np.arange(plane), (int(np.prod(shape[:2])), 1))
    return rng.permuted(planes, axis=1).reshape(shape)


def _scale_of(layer: Layer) -> float:
    for message in ("roi_pooling_param", "psroi_pooling_param", "roi_align_param"):
        if layer.param.HasField(message):
            return float(getattr(layer.param, message).spatial_scale)
    return 1.0


def _boxes(scale: float, features: Shape, inputs: Mapping[str, Shape]) -> Maker:
    """Boxes (image, x1, y1, x2, y2) inside and a little beyond the image."""
    images = min((shape[0] for shape in inputs.values() if len(shape) == 4), default=features[0])
    height, width = features[2] / scale, features[3] / scale

    def make(rng: Generator, shape: Shape) -> Array:
        count = shape[0]
        x, y = rng.random((2, count, 2))
        x, y = np.sort(x * 1.1 * width, axis=1), np.sort(y * 1.1 * height, axis=1)
        image = rng.integers(0, images, (count, 1))
        return np.concatenate([image, x[:, :1], y[:, :1], x[:, 1:], y[:, 1:]], 1).reshape(shape)

    return make


def _image_info(inputs: Mapping[str, Shape]) -> Maker:
    """Height, width and scale of the images, for each."""
    images = next(shape for shape in inputs.values() if len(shape) == 4)

    def make(rng: Generator, shape: Shape) -> Array:
        rows = np.ones((int(np.prod(shape[:1])), int(np.prod(shape[1:]))))
        rows[:, 0], rows[:, 1] = images[2], images[3]
        return rows.reshape(shape)

    return make
