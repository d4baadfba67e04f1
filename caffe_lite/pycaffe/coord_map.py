"""Map pixel coordinates between tops: `crop(n.upscore, n.data)` for fully convolutional nets.

A layer maps coordinate x of its bottom to coordinate  scale * x + shift  of its top. This holds for
the spatial axes from `axis` on (of C, H, W: 1 is H); scale and shift are one number for all axes or
one per axis:

    Convolution, Pooling, Im2col   scale = 1 / stride   shift = (pad - (extent - 1) / 2) / stride
    Deconvolution                  scale = stride       shift = (extent - 1) / 2 - pad
    Crop                           scale = 1            shift = -offset

with extent = dilation * (kernel_size - 1) + 1. Source: Long, Shelhamer, Darrell, Fully
convolutional networks for semantic segmentation (2015), section 3.2 and the FCN reference nets.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from caffe_lite.pycaffe.errors import CropError, NotConnectedError
from caffe_lite.pycaffe.net_spec import Function, Top
from caffe_lite.pycaffe.net_spec import layers as L  # noqa: N812

Number = Any  # a number, or an array of one per spatial axis

_POINTWISE = frozenset(
    """AbsVal BNLL BatchNorm Bias Clip Dropout ELU Eltwise Exp LRN Log MVN PReLU Power ReLU Scale
    Sigmoid Split Swish TanH Threshold""".split()
)
_LEGACY = {f"{name}_{side}" for name in ("kernel", "stride", "pad") for side in "hw"}


class CoordMap(NamedTuple):
    """x -> scale * x + shift on the spatial axes from `axis` on; None if any axis will do."""

    axis: int | None
    scale: Number
    shift: Number

    def after(self, first: CoordMap) -> CoordMap:
        """This map applied after `first`. Raises NotConnectedError if their axes differ."""
        if self.axis is not None and first.axis is not None and self.axis != first.axis:
            raise NotConnectedError(
                f"the layers between the tops start at different axes, {self.axis} and {first.axis}"
            )
        axis = first.axis if self.axis is None else self.axis
        return CoordMap(axis, self.scale * first.scale, self.scale * first.shift + self.shift)

    def inverse(self) -> CoordMap:
        return CoordMap(self.axis, 1 / self.scale, -self.shift / self.scale)


IDENTITY = CoordMap(None, 1, 0)


def coord_map(fn: Function) -> CoordMap | None:
    """The map from the layer's bottoms to its tops, or None (for InnerProduct, for example)."""
    if fn.type_name in _POINTWISE:
        return IDENTITY
    if fn.type_name == "Crop":
        param = fn.params.get("crop_param", fn.params)
        return CoordMap(param.get("axis", 2) - 1, 1, -_numbers(param, "offset", 0))
    if fn.type_name not in ("Convolution", "Deconvolution", "Im2col", "Pooling"):
        return None
    message = "pooling_param" if fn.type_name == "Pooling" else "convolution_param"
    param = {**fn.params, **fn.params.get(message, {})}
    if "kernel_size" not in param or _LEGACY & param.keys():
        raise CropError(
            f"coordinates through a {fn.type_name} need kernel_size, stride and pad as numbers "
            "or lists; kernel_h, kernel_w and the like are not supported"
        )
    axis, stride, pad = (
        param.get("axis", 1),
        _numbers(param, "stride", 1),
        _numbers(param, "pad", 0),
    )
    reach = _numbers(param, "dilation", 1) * (_numbers(param, "kernel_size", 1) - 1) / 2
    if fn.type_name == "Deconvolution":
        return CoordMap(axis, stride, reach - pad)
    return CoordMap(axis, 1 / stride, (pad - reach) / stride)


def _numbers(param: Any, name: str, default: int) -> np.ndarray:
    return np.atleast_1d(np.asarray(param.get(name, default)))


def _maps_from_below(top: Top) -> dict[Top, CoordMap]:
    """For `top` and each top below it that spatial layers connect to it: the map to `top`."""
    found = {top: IDENTITY}
    ahead = [top]
    for current in ahead:  # grows during the loop
        own = coord_map(current.fn)
        if own is None:
            continue
        # Crop's second bottom gives only a size.
        inputs = current.fn.inputs[:1] if current.fn.type_name == "Crop" else current.fn.inputs
        for bottom in inputs:
            if bottom not in found:
                found[bottom] = found[current].after(own)
                ahead.append(bottom)
    return found


def coord_map_from_to(top_from: Top, top_to: Top) -> CoordMap:
    """The map (axis, scale, shift) from coordinates of one top to those of another.

    Raises NotConnectedError unless spatial layers lead from one common top to both.
    """
    maps_from = _maps_from_below(top_from)
    for top, map_to in _maps_from_below(top_to).items():
        if top in maps_from:
            return map_to.after(maps_from[top].inverse())
    raise NotConnectedError(
        f"no spatial layers lead from a common top to both the top of {top_from.fn.type_name} and "
        f"the top of {top_to.fn.type_name}"
    )


def crop(top_from: Top, top_to: Top) -> Top:
    """A Crop layer that crops `top_from` to the region of `top_to`.

    Raises CropError if their scales differ, or if the region begins between pixels or outside.
    """
    axis, scale, shift = coord_map_from_to(top_from, top_to)
    offset = -np.atleast_1d(shift)
    rounded = np.round(offset)
    if not np.allclose(scale, 1):
        raise CropError(
            f"one pixel of the second top is {1 / scale} of the cropped top; it must be 1"
        )
    if not np.allclose(offset, rounded):
        raise CropError(f"the crop would begin between pixels, at {offset}; change a pad")
    if (rounded < 0).any():
        raise CropError(f"the crop would begin outside, at {offset}; pad the first layer by more")
    first = 2 if axis is None else axis + 1
    offsets = [int(value) for value in rounded]
    return L.Crop(top_from, top_to, crop_param={"axis": first, "offset": offsets})
