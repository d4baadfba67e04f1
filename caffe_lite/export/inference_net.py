"""From the net that a file describes to the net that is used: inputs, and what they lead to.

Data layers become Input layers, losses and measures such as Accuracy are left out, and so is what
only they used. Pure functions from NetParameter to NetParameter.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from caffe_lite.errors import ModelError, UsageError, did_you_mean
from caffe_lite.export.live_layers import live_layers
from caffe_lite.export.probabilities import with_probabilities
from caffe_lite.forks.translate import translate
from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import layer_class
from caffe_lite.nets.graph import filter_net, with_state
from caffe_lite.proto import schema
from caffe_lite.types import LayerParameter, NetParameter, Shape


@dataclass(frozen=True)
class InferenceNet:
    """A definition that needs no data: `param` has the phase TEST and no include rules.

    `inputs` are the shapes of its inputs by name; `outputs` the names of the blobs that no layer
    takes, in order; `left_out` the names of the layers that are not in it.
    """

    param: NetParameter
    inputs: dict[str, Shape]
    outputs: tuple[str, ...]
    left_out: tuple[str, ...]


def inference_net(
    net: NetParameter,
    phase: int = schema.TEST,
    level: int = 0,
    stages: Iterable[str] = (),
    shapes: Mapping[str, Shape] | None = None,
    probabilities: bool = False,
) -> InferenceNet:
    """What is left of `net` when it is used: the layers that make its predictions.

    `phase`, `level` and `stages` select the layers; those that are left compute what they compute
    in the phase TEST. `shapes` are the shapes of inputs by name; other inputs have those of their
    definitions. With `probabilities`, a loss that begins with a Softmax or a Sigmoid, such as
    SoftmaxWithLoss, is replaced by that layer; otherwise it is left out, unless its probabilities
    are used. DummyData with constant fillers is no input, unless `shapes` names it.

    Raises ModelError for a net without a layer that is left, or an input of unknown shape;
    UsageError for a shape of a blob that is no input.
    """
    given = dict(shapes or {})
    filtered = translate(filter_net(with_state(net, phase, level, stages)))
    if not filtered.layer:
        raise ModelError(_no_layers(net, phase))
    whole = with_probabilities(filtered, probabilities)
    kept = live_layers(whole)
    made: NetParameter = schema.NetParameter(name=net.name)
    made.state.phase = schema.TEST
    made.state.level = level
    made.state.stage.extend(filtered.state.stage)
    inputs: dict[str, Shape] = {}
    for layer in kept:
        added = made.layer.add()
        if _is_input(layer, given):
            own = {top: _shape(layer, top, filtered, given) for top in layer.top}
            added.CopyFrom(_input(layer.name, own))
            inputs.update(own)
        else:
            added.CopyFrom(layer)
            for field in ("include", "exclude", "loss_weight", "propagate_down"):
                added.ClearField(field)
            _write_no_files(added)
    if len(inputs) == sum(len(layer.top) for layer in made.layer):
        raise ModelError(f'net "{net.name}": nothing is left of it without its data and losses')
    _check_names(given, inputs)
    names = {layer.name for layer in made.layer}
    left_out = tuple(layer.name for layer in filtered.layer if layer.name not in names)
    return InferenceNet(made, inputs, _outputs(made), left_out)


def _write_no_files(layer: LayerParameter) -> None:
    """Detections are an output of the net; files of them, as SSD's layer writes them, are not."""
    for field, message in layer.ListFields():
        if field.name.endswith("_param") and "save_output_param" in dir(message):
            message.ClearField("save_output_param")


def _no_layers(net: NetParameter, phase: int) -> str:
    asked, other = ("TRAIN", "TEST") if phase == schema.TRAIN else ("TEST", "TRAIN")
    if not schema.current(net).layer:
        return f'net "{net.name}" has no layers'
    return (
        f'net "{net.name}" has no layer in the phase {asked}; --phase {other} takes the layers of '
        "the other one, --stage those of a stage"
    )


def _class(layer: LayerParameter) -> type[Layer]:
    return layer_class(layer.type, layer)


def _is_input(layer: LayerParameter, given: Mapping[str, Shape]) -> bool:
    """Whether the caller is to give what this layer makes."""
    if layer.bottom:
        return False
    if layer.type == "DummyData":
        fillers = layer.dummy_data_param.data_filler
        constant = all(filler.type == "constant" for filler in fillers)
        return not constant or any(top in given for top in layer.top)
    cls = _class(layer)
    return layer.type == "Input" or cls.is_data or cls.has_source


def _shape(layer: LayerParameter, top: str, net: NetParameter, given: Mapping[str, Shape]) -> Shape:
    if top in given:
        return given[top]
    maker = next(each for each in net.layer if each.name == layer.name and top in each.top)
    position = list(maker.top).index(top)
    own: list[Shape] = []
    if layer.type == "Input":
        own = [tuple(shape.dim) for shape in layer.input_param.shape]
    elif layer.type == "DummyData":
        own = _dummy_shapes(layer)
    if own:
        return own[0 if len(own) == 1 else position]
    known = None if layer.type == "Input" else _class(layer).source_shape(maker, position, net)
    if known is None:
        raise ModelError(
            f'layer "{layer.name}" ({layer.type}): the shape of its top "{top}" does not follow '
            f"from its definition; give it with --shape {top}=N,..."
        )
    return known


def _dummy_shapes(layer: LayerParameter) -> list[Shape]:
    own = layer.dummy_data_param
    older = zip(own.num, own.channels, own.height, own.width, strict=False)
    return [tuple(shape) for shape in older] or [tuple(shape.dim) for shape in own.shape]


def _input(name: str, shapes: Mapping[str, Shape]) -> LayerParameter:
    layer: LayerParameter = schema.LayerParameter(name=name, type="Input", top=list(shapes))
    for shape in shapes.values():
        layer.input_param.shape.add(dim=shape)
    return layer


def _check_names(given: Mapping[str, Shape], inputs: Mapping[str, Shape]) -> None:
    for name in given:
        if name not in inputs:
            listed = ", ".join(inputs) or "none"
            raise UsageError(
                f"--shape {name}=...: no input of that name{did_you_mean(name, inputs)} "
                f"(inputs: {listed})"
            )


def _outputs(net: NetParameter) -> tuple[str, ...]:
    """The blobs that no layer takes, in the order in which they are made; inputs are none."""
    unused: dict[str, None] = {}
    for layer in net.layer:
        for name in layer.bottom:
            unused.pop(name, None)
        unused.update(dict.fromkeys(layer.top if layer.type != "Input" else ()))
    return tuple(unused)
