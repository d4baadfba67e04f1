"""A definition as OpenCV's Caffe importer reads it.

Source: opencv/opencv (4.14), modules/dnn/src/caffe/caffe_importer.cpp
"""

from collections.abc import Iterable

from caffe_lite.dnn.graph import Graph
from caffe_lite.errors import LayerError, ModelError
from caffe_lite.layers.registry import layer_class
from caffe_lite.nets.graph import filter_net
from caffe_lite.proto import schema
from caffe_lite.types import LayerParameter, NetParameter

_RENAMED = {"ConvolutionDepthwise": "Convolution", "Resample": "Resize"}


def import_net(net: NetParameter, inputs: Iterable[str] = ()) -> Graph:
    """The graph of a NetParameter that is upgraded to the current schema.

    `inputs` names inputs that the definition gives no shape, which Caffe does not know.

    OpenCV refuses a definition with layers for training: its data layers and losses do not exist
    there. Here the layers of the phase TEST are taken of it, tops of data layers become inputs, and
    losses and accuracies are left out. Raises ModelError if nothing is left, or for a bottom that
    no layer makes.
    """
    if _is_for_training(net):
        net = _for_testing(net)
    graph = Graph(net.name)
    for blob in inputs:
        graph.add_input(blob, ())
    taken = {bottom for layer in net.layer for bottom in layer.bottom}
    for layer in net.layer:
        if layer.type == "Input":
            _add_inputs(graph, layer, list(layer.top))
        elif _reads_data(layer):
            _add_inputs(graph, layer, [top for top in layer.top if top in taken])
        else:
            _add_layer(graph, layer)
    return graph


def _add_inputs(graph: Graph, layer: LayerParameter, tops: list[str]) -> None:
    graph.take_name(layer.name)
    shapes = [tuple(shape.dim) for shape in layer.input_param.shape]
    if len(shapes) == 1:
        shapes *= len(tops)
    for i, top in enumerate(tops):
        graph.add_input(top, shapes[i] if i < len(shapes) else ())


def _add_layer(graph: Graph, layer: LayerParameter) -> None:
    bottoms = list(layer.bottom)
    if layer.type == "BatchNorm" and _by_batch(layer):
        # OpenCV normalizes each image by itself, in a layer of its own.
        local = graph.add(f"{layer.name}/mvn", "MVN", layer)
        graph.connect(local, bottoms[0])
        graph.give(local, layer.top[0], in_place=layer.top[0] == bottoms[0])
        bottoms = [layer.top[0]]
    elif layer.type == "Axpy":
        _add_axpy(graph, layer)
        return
    elif layer.type == "Convolution":
        _add_convolutions(graph, layer)
        return
    node = graph.add(layer.name, _RENAMED.get(layer.type, layer.type), layer)
    for bottom in bottoms:
        graph.connect(node, bottom)
    for i, top in enumerate(layer.top):
        graph.give(node, top, in_place=i < len(bottoms) and bottoms[i] == top)


def _add_convolutions(graph: Graph, layer: LayerParameter) -> None:
    graph.take_name(layer.name)
    if len(layer.bottom) != len(layer.top):
        raise ModelError(
            f'layer "{layer.name}" (Convolution): takes as many bottoms as tops, got '
            f"{len(layer.bottom)} and {len(layer.top)}"
        )
    for bottom, top in zip(layer.bottom, layer.top, strict=True):
        node = graph.add_named(top, "Convolution", layer, layer.name)
        graph.connect(node, bottom)
        graph.give(node, top)


def _add_axpy(graph: Graph, layer: LayerParameter) -> None:
    """Two layers for a x + y. OpenCV exchanges x and y: it computes a y, and adds x."""
    if (len(layer.bottom), len(layer.top)) != (3, 1):
        raise ModelError(
            f'layer "{layer.name}" (Axpy): takes 3 bottoms and 1 top, got {len(layer.bottom)} and '
            f"{len(layer.top)}"
        )
    a, x, y = layer.bottom
    scale = graph.add(f"{layer.name}/scale", "Scale", schema.LayerParameter(type="Axpy"))
    graph.connect(scale, y)
    graph.connect(scale, a)
    node = graph.add(layer.name, "Eltwise", layer)
    graph.connect_pin(node, (scale.id, 0))
    graph.connect(node, x)
    graph.give(node, layer.top[0], in_place=layer.top[0] in layer.bottom)


def _by_batch(layer: LayerParameter) -> bool:
    param = layer.batch_norm_param
    return bool(param.HasField("use_global_stats") and not param.use_global_stats)


def _class_flag(layer: LayerParameter, name: str) -> bool:
    """A class attribute of the layer's class; False for an unknown type."""
    try:
        return bool(getattr(layer_class(layer.type, layer), name))
    except LayerError:
        return False


def _reads_data(layer: LayerParameter) -> bool:
    return layer.type != "DummyData" and _class_flag(layer, "is_data")


def _is_ending(layer: LayerParameter) -> bool:
    return layer.type == "Accuracy" or _class_flag(layer, "is_loss")


def _is_for_training(net: NetParameter) -> bool:
    return any(_is_ending(layer) or _reads_data(layer) for layer in net.layer)


def _for_testing(net: NetParameter) -> NetParameter:
    """The layers of the phase TEST, without losses and accuracies."""
    test: NetParameter = schema.NetParameter()
    test.CopyFrom(net)
    test.state.phase = schema.TEST
    test = filter_net(test)
    kept = [layer for layer in test.layer if not _is_ending(layer)]
    made: set[str] = set()
    for layer in kept:
        lost = [bottom for bottom in layer.bottom if bottom not in made]
        if lost:
            raise ModelError(
                f'layer "{layer.name}" ({layer.type}): bottom "{lost[0]}" is made in the phase '
                "TRAIN only; give the net an Input layer, or use its deploy definition"
            )
        made.update(layer.top)
    del test.layer[:]
    test.layer.extend(kept)
    if all(_reads_data(layer) for layer in kept):
        raise ModelError(
            f'net "{net.name}" has layers of the phase TRAIN only; use its deploy definition'
        )
    return test
