"""What a net wants: its layers with learned blobs, a BatchNorm together with its Scale."""

from __future__ import annotations

from dataclasses import dataclass, field

from caffe_lite.layers._conv import ConvolutionBase
from caffe_lite.layers.base import Layer
from caffe_lite.layers.inner_product import InnerProduct
from caffe_lite.nets.net import Net
from caffe_lite.types import Shape
from caffe_lite.weights.named import blob_name

_STATISTICS = {
    3: ("mean", "variance", "factor"),
    5: ("mean", "variance", "factor", "scale", "shift"),
}
_PASSING = ("Split", "Dropout", "ReLU", "Flatten", "Reshape")


@dataclass
class Unit:
    """One layer, or a BatchNorm and the Scale behind it.

    `kind` is product, norm, lstm, prelu, table or other; `blobs` maps roles to names of blobs, and
    `shapes` those names to shapes. `image` is (C, H, W) where a fully connected layer takes a
    flattened image of more than one pixel. `transposed` marks its weights as (inputs, outputs).
    """

    kind: str
    layer: Layer
    blobs: dict[str, str]
    shapes: dict[str, Shape]
    image: Shape = ()
    transposed: bool = False
    others: list[str] = field(default_factory=list)  # further layers' names

    @property
    def name(self) -> str:
        return self.layer.name


def units_of(net: Net) -> list[Unit]:
    """The units in the net's order; blobs that an earlier layer shares are left out."""
    units: list[Unit] = []
    norms: dict[str, Unit] = {}  # BatchNorms without a scale, by their top
    seen: set[int] = set()
    for layer in net.layers:
        if not layer.blobs:
            continue
        own = [i for i, blob in enumerate(layer.blobs) if blob.buffer_ids[0] not in seen]
        seen |= {blob.buffer_ids[0] for blob in layer.blobs}
        norm = norms.pop(layer.param.bottom[0], None) if layer.param.bottom else None
        roles = _roles(layer)
        if norm is not None and layer.type == "Scale" and len(layer.param.bottom) == 1:
            _add(norm, layer, ("scale", "shift"), own)
            norm.others.append(layer.name)
            continue
        unit = Unit(_kind(layer), layer, {}, {})
        _add(unit, layer, roles, own)
        if isinstance(layer, InnerProduct):
            unit.image = _image(net, layer)
            unit.transposed = layer.param.inner_product_param.transpose
        if unit.kind == "norm" and "scale" not in unit.blobs:
            norms[layer.param.top[0]] = unit
        if unit.blobs:
            units.append(unit)
    return units


def _add(unit: Unit, layer: Layer, roles: tuple[str, ...], own: list[int]) -> None:
    for i, role in enumerate(roles[: len(layer.blobs)]):
        if i in own:
            name = blob_name(layer.name, i)
            unit.blobs[role] = name
            unit.shapes[name] = tuple(layer.blobs[i].shape)


def _kind(layer: Layer) -> str:
    if isinstance(layer, (ConvolutionBase, InnerProduct)):
        return "product"
    if layer.type == "BatchNorm" or (layer.type == "BN" and len(layer.blobs) == 4):
        return "norm"
    return {"LSTM": "lstm", "PReLU": "prelu", "Embed": "table", "Scale": "scale"}.get(
        layer.type, "other"
    )


def _roles(layer: Layer) -> tuple[str, ...]:
    kind, count = _kind(layer), len(layer.blobs)
    if kind == "norm":
        return _STATISTICS.get(count, ("scale", "shift", "mean", "variance"))
    if kind == "lstm":
        static = ("weight_static",) if count == 4 else ()
        return ("weight_x", "bias", *static, "weight_h")
    if kind == "scale":
        return ("scale", "shift")
    if kind == "other":
        return tuple(map(str, range(count)))
    return ("weight", "bias")


def _image(net: Net, layer: InnerProduct) -> Shape:
    """(C, H, W) of the image that the layer's bottom is, or was before it was flattened."""
    makers = {
        top: (maker, bottoms)
        for maker, bottoms, tops in zip(net.layers, net.bottom_vecs, net.top_vecs, strict=True)
        for top in maker.param.top
    }
    name = layer.param.bottom[0]
    for _ in range(len(net.layers)):
        shape = net.blobs[name].shape
        if len(shape) == 4:
            return tuple(shape[1:]) if shape[2] * shape[3] > 1 else ()
        maker, _bottoms = makers.get(name, (None, None))
        if maker is None or maker.type not in _PASSING or not maker.param.bottom:
            return ()
        name = maker.param.bottom[0]
        if name not in net.blobs:
            return ()
    return ()
