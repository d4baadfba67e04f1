"""What a box says of its layer: a few numbers, and a kind, which decides the colour."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_lite.errors import CaffeError
from caffe_lite.layers.registry import layer_class
from caffe_lite.types import LayerParameter

# Kinds with their colours: the ground and the edge.
COLOURS = {
    "data": ("#fff3cd", "#b8860b"),
    "weights": ("#d9e8fb", "#2f6db5"),
    "pooling": ("#ffe3cc", "#c8681e"),
    "activation": ("#dff3e0", "#3a8a4a"),
    "normalization": ("#ece3f7", "#7a53a8"),
    "loss": ("#fbdcdc", "#c0392b"),
    "other": ("#eef0f2", "#6b7680"),
}
_WEIGHTS = {"Convolution", "Deconvolution", "InnerProduct", "Embed", "LSTM", "RNN", "Parameter"}
_ACTIVATIONS = {
    "ReLU",
    "PReLU",
    "ELU",
    "Sigmoid",
    "TanH",
    "BNLL",
    "Swish",
    "AbsVal",
    "Power",
    "Exp",
}
_NORMALIZATION = {"BatchNorm", "Scale", "Bias", "LRN", "MVN", "Normalize", "Dropout", "BN"}


def kind_of(layer: LayerParameter) -> str:
    """The kind of a layer, a key of COLOURS."""
    if layer.type in _WEIGHTS or "Convolution" in layer.type:
        return "weights"
    if layer.type in _ACTIVATIONS:
        return "activation"
    if layer.type in _NORMALIZATION:
        return "normalization"
    if "Pooling" in layer.type:
        return "pooling"
    try:
        cls = layer_class(layer.type, layer)
    except CaffeError:
        return "other"
    if cls.is_loss or cls.is_metric:
        return "loss"
    return "data" if cls.is_data or (not layer.bottom and layer.top) else "other"


def facts_of(layer: LayerParameter) -> str:
    """The numbers of a layer that one wants to see in a drawing, or ""."""
    if layer.HasField("convolution_param"):
        return _convolution(layer)
    if layer.type == "Pooling":
        pool = layer.pooling_param
        how = pool.PoolMethod.Name(pool.pool)
        if pool.global_pooling:
            return f"{how}, global"
        kernel = (pool.kernel_size,) if pool.kernel_size else (pool.kernel_h, pool.kernel_w)
        return f"{how} {_window(kernel, (pool.stride,), (pool.pad,))}"
    for name in ("inner_product_param", "recurrent_param", "embed_param"):
        if layer.HasField(name):
            return str(getattr(layer, name).num_output)
    if layer.type == "Dropout":
        return f"ratio {layer.dropout_param.dropout_ratio:g}"
    if layer.type == "LRN":
        return f"size {layer.lrn_param.local_size}"
    if layer.type == "Eltwise":
        return str(layer.eltwise_param.EltwiseOp.Name(layer.eltwise_param.operation))
    if layer.type in ("Concat", "Slice"):
        return f"axis {getattr(layer, f'{layer.type.lower()}_param').axis}"
    if layer.type == "Python":
        return f"{layer.python_param.module}.{layer.python_param.layer}"
    return ""


def _convolution(layer: LayerParameter) -> str:
    conv = layer.convolution_param
    kernel = tuple(conv.kernel_size) or (conv.kernel_h, conv.kernel_w)
    stride = _either(conv.stride, (conv.stride_h or 1, conv.stride_w or 1))
    pad = _either(conv.pad, (conv.pad_h, conv.pad_w))
    text = f"{conv.num_output} · {_window(kernel, stride, pad)}"
    if conv.group > 1:
        text += f", {conv.group} groups"
    if any(each > 1 for each in conv.dilation):
        text += f", dilation {_sides(conv.dilation)}"
    return text


def _either(values: Sequence[int], sides: tuple[int, int]) -> Sequence[int]:
    """The repeated field, or the two sides, as one number if they are equal."""
    return values or (sides[:1] if sides[0] == sides[1] else sides)


def _window(kernel: Sequence[int], stride: Sequence[int], pad: Sequence[int]) -> str:
    """Such as "3×3 /2, pad 1": a stride of 1 and a padding of 0 are left out."""
    text = _sides([*kernel, *kernel][:2] if len(kernel) == 1 else kernel)
    if any(each > 1 for each in stride):
        text += f" /{_sides(stride)}"
    if any(pad):
        text += f", pad {_sides(pad)}"
    return text


def _sides(values: Sequence[int]) -> str:
    return str(values[0]) if len(values) == 1 else "×".join(map(str, values))
