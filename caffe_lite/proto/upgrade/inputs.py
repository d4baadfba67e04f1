"""Top-level `input`, `input_shape` and `input_dim` become an Input layer, the first of the net."""

from caffe_lite.errors import PrototxtError
from caffe_lite.proto import schema
from caffe_lite.types import AnyMessage

NAME = "top-level inputs"


def needed(net: AnyMessage) -> bool:
    return len(net.input) > 0


def upgrade(net: AnyMessage, file: str) -> AnyMessage:
    # Inputs without any shape occur in weights files, and are dropped.
    if net.input_shape or net.input_dim:
        layers = list(net.layer)
        del net.layer[:]
        net.layer.append(_input_layer(net, file))
        net.layer.extend(layers)
    for field in ("input", "input_shape", "input_dim"):
        net.ClearField(field)
    return net


def _input_layer(net: AnyMessage, file: str) -> AnyMessage:
    layer = schema.LayerParameter(name="input", type="Input", top=net.input)
    given = len(net.input_shape) if net.input_shape else len(net.input_dim) // 4
    if given < len(net.input):
        field = "input_shape" if net.input_shape else "four input_dim"
        raise PrototxtError(f'input "{net.input[given]}" has no {field} of its own', file)
    for i in range(len(net.input)):
        if net.input_shape:
            layer.input_param.shape.add().CopyFrom(net.input_shape[i])
        else:
            layer.input_param.shape.add(dim=net.input_dim[4 * i : 4 * i + 4])
    return layer
