"""AutoCrop, of FCN's early fork, as Caffe 1.0's Crop.

AutoCrop finds out itself where the pixels of its second bottom lie in the first. Layer by layer, a
pixel x of the bottom is scale * x + shift of the top:

    Convolution, Pooling, Im2col   scale = 1 / stride   shift = (pad - (extent - 1) / 2) / stride
    Deconvolution                  scale = stride       shift = (extent - 1) / 2 - pad
    Crop                           scale = 1            shift = -offset

with extent = dilation * (kernel - 1) + 1; other layers leave pixels where they are. Source: Long,
Shelhamer and Darrell, Fully convolutional networks for semantic segmentation (2015).
"""

from fractions import Fraction
from typing import NamedTuple

from caffe_lite.errors import ModelError
from caffe_lite.types import AnyMessage, LayerParameter, NetParameter


class _Map(NamedTuple):
    """x -> scale * x + shift along one axis."""

    scale: Fraction
    shift: Fraction

    def after(self, first: "_Map") -> "_Map":
        return _Map(self.scale * first.scale, self.scale * first.shift + self.shift)

    def inverse(self) -> "_Map":
        return _Map(1 / self.scale, -self.shift / self.scale)


_IDENTITY = _Map(Fraction(1), Fraction(0))


def replace_auto_crops(net: NetParameter) -> None:
    """Write each AutoCrop as a Crop with its offsets, in place.

    Raises ModelError where the two bottoms have no common origin, or other distances of pixels.
    """
    makers: dict[str, LayerParameter] = {}
    for layer in net.layer:
        if layer.type == "AutoCrop":
            offsets = [_offset(layer, makers, axis) for axis in (0, 1)]
            layer.type = "Crop"
            layer.crop_param.axis = 2
            del layer.crop_param.offset[:]
            layer.crop_param.offset.extend(offsets)
        for top in layer.top:
            if top not in layer.bottom:  # in place, nothing moves
                makers[top] = layer


def _offset(layer: LayerParameter, makers: dict[str, LayerParameter], axis: int) -> int:
    if len(layer.bottom) != 2:
        raise ModelError(
            f'layer "{layer.name}" (AutoCrop): takes 2 bottom blobs, got {len(layer.bottom)}'
        )
    maps = [_maps_from_ancestors(blob, makers, axis) for blob in layer.bottom]
    common = next((blob for blob in maps[1] if blob in maps[0]), None)
    if common is None:
        raise ModelError(
            f'layer "{layer.name}" (AutoCrop): its bottoms "{layer.bottom[0]}" and '
            f'"{layer.bottom[1]}" must come from one blob'
        )
    place = maps[1][common].after(maps[0][common].inverse())
    if place.scale != 1 or place.shift > 0 or place.shift.denominator != 1:
        raise ModelError(
            f'layer "{layer.name}" (AutoCrop): bottom[1] must be a part of bottom[0], whole pixels '
            f"from its edge; its pixel x is {float(1 / place.scale):g} x + "
            f"{float(-place.shift / place.scale):g} of bottom[0]"
        )
    return int(-place.shift)


def _maps_from_ancestors(
    blob: str, makers: dict[str, LayerParameter], axis: int
) -> dict[str, _Map]:
    """By blob on the way back through first bottoms, the map of its pixels to those of `blob`."""
    found = {blob: _IDENTITY}
    place = _IDENTITY
    while blob in makers and makers[blob].bottom:
        place = place.after(_map_of(makers[blob], axis))
        blob = makers[blob].bottom[0]
        if blob in found:
            break
        found[blob] = place
    return found


def _map_of(layer: LayerParameter, axis: int) -> _Map:
    """How a layer moves the pixels of its bottom along height (0) or width (1)."""
    if layer.type == "Crop":
        offsets = list(layer.crop_param.offset) or [0]
        return _Map(Fraction(1), Fraction(-offsets[min(axis, len(offsets) - 1)]))
    if layer.type == "Pooling":
        param, dilation = layer.pooling_param, 1
    elif layer.type in ("Convolution", "Deconvolution", "Im2col"):
        param = layer.convolution_param
        dilation = _side(param, "dilation", "dilation", axis, 1)
    else:
        return _IDENTITY
    stride = _side(param, "stride", "stride", axis, 1)
    pad = _side(param, "pad", "pad", axis, 0)
    half = Fraction(dilation * (_side(param, "kernel_size", "kernel", axis, 1) - 1), 2)
    if layer.type == "Deconvolution":
        return _Map(Fraction(stride), half - pad)
    return _Map(Fraction(1, stride), (pad - half) / stride)


def _side(param: AnyMessage, field: str, short: str, axis: int, default: int) -> int:
    """A size along one axis, given once, for each axis, or as `_h` and `_w`."""
    own = f"{short}_{'hw'[axis]}"
    if own in param.DESCRIPTOR.fields_by_name and param.HasField(own):
        return int(getattr(param, own))
    value = getattr(param, field)
    if isinstance(value, int):
        return value if param.HasField(field) else default
    values = list(value)
    return int(values[min(axis, len(values) - 1)]) if values else default
