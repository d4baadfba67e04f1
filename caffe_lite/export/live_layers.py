"""Which layers of a net its predictions need."""

from dataclasses import dataclass, field

from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import layer_class
from caffe_lite.nets.graph import Slot
from caffe_lite.proto import schema
from caffe_lite.types import LayerParameter, NetParameter


@dataclass
class _Uses:
    """What becomes of one top: the layers that take it, and whether it is a prediction.

    Taken by a loss or a measure it is a prediction at some positions and a label at others. One
    that nothing takes is an output of the net.
    """

    takers: list[int] = field(default_factory=list)
    prediction: bool = False
    label: bool = False


def live_layers(net: NetParameter) -> list[LayerParameter]:
    """Copies of the layers that predictions need, in order; `net` is filtered by its state.

    Losses, layers whose tops have a loss weight, measures (`Layer.is_metric`) and layers without
    tops are left out, with what only they used. What goes into a loss is an output, except labels:
    what comes straight from the data, and bottoms that take no gradient. Data layers lose the tops
    that are not needed.
    """
    classes = [layer_class(layer.type, layer) for layer in net.layer]
    ends = [_is_end(layer, cls) for layer, cls in zip(net.layer, classes, strict=True)]
    uses = _uses(net, classes, ends)
    wanted: set[Slot] = set()
    live = [False] * len(net.layer)
    for i in reversed(range(len(net.layer))):
        layer, is_source = net.layer[i], _is_source(net.layer[i])
        for j in range(len(layer.top)):
            top = uses[i, j]
            ends_here = not top.takers and not top.label
            if any(live[k] for k in top.takers) or (
                not is_source and (top.prediction or ends_here)
            ):
                wanted.add((i, j))
        live[i] = not ends[i] and any((i, j) in wanted for j in range(len(layer.top)))
    kept = []
    for i, layer in enumerate(net.layer):
        if live[i]:
            copy: LayerParameter = schema.LayerParameter()
            copy.CopyFrom(layer)
            if _is_source(layer) or layer.type == "Split":
                _drop_tops(copy, [(i, j) in wanted for j in range(len(layer.top))])
            kept.append(copy)
    return kept


def _is_source(layer: LayerParameter) -> bool:
    return not layer.bottom and layer.type not in ("Parameter", "ContinuationIndicator")


def _is_end(layer: LayerParameter, cls: type[Layer]) -> bool:
    """Whether a layer is no part of an inference net."""
    return cls.is_loss or cls.is_metric or any(layer.loss_weight) or not layer.top


def _labels(layer: LayerParameter, cls: type[Layer]) -> set[int]:
    """The bottoms of a layer at the end that are no predictions."""
    if not layer.top:  # Silence, HDF5Output
        return set(range(len(layer.bottom)))
    return set(range(1, len(layer.bottom))) if cls.is_metric else set(cls.no_gradient)


def _uses(net: NetParameter, classes: list[type[Layer]], ends: list[bool]) -> dict[Slot, _Uses]:
    made: dict[str, Slot] = {}
    uses: dict[Slot, _Uses] = {}
    for i, layer in enumerate(net.layer):
        labels = _labels(layer, classes[i]) if ends[i] else set()
        for j, name in enumerate(layer.bottom):
            if name not in made:
                continue  # the net that is built of it reports the name
            top = uses[made[name]]
            if not ends[i]:
                top.takers.append(i)
            elif j in labels:
                top.label = True
            else:
                top.prediction = True
        for j, name in enumerate(layer.top):
            made[name] = (i, j)
            uses[i, j] = _Uses()
    return uses


def _drop_tops(layer: LayerParameter, kept: list[bool]) -> None:
    """Remove tops, and the shapes and fillers that were given one for each."""
    for field_name in (layer.input_param.shape, layer.dummy_data_param.shape):
        _drop(field_name, kept)
    for name in ("data_filler", "num", "channels", "height", "width"):
        _drop(getattr(layer.dummy_data_param, name), kept)
    _drop(layer.top, kept)


def _drop(values: object, kept: list[bool]) -> None:
    """Remove from a repeated field what is not kept, if it has one value for each top."""
    if len(values) == len(kept) > 1:  # type: ignore[arg-type]
        for j in reversed(range(len(kept))):
            if not kept[j]:
                del values[j]  # type: ignore[attr-defined]
