"""ColorConv: images in another colour space."""

from collections.abc import Callable
from typing import Any

from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.proto import schema
from caffe_lite.types import Array, Blobs

TO_XYZ = (
    (0.4124564, 0.3575761, 0.1804375),
    (0.2126729, 0.7151522, 0.0721750),
    (0.0193339, 0.1191920, 0.9503041),
)
TO_RGB = (
    (3.2404542, -1.5371385, -0.4985314),
    (-0.9692660, 1.8760108, 0.0415560),
    (0.0556434, -0.2040259, 1.0572252),
)
WHITE = (0.95074, 1.0, 1.08883)  # D65


@register("ColorConv")
class ColorConv(Layer):
    """Images in another colour space: BGR, RGB, Gray, Lab or XYZ.

    RGB, BGR and Gray run from 0 to 255, L of Lab from 0 to 100, XYZ as CIE defines it; RGB is sRGB,
    white is D65. Gray is the luma of sRGB's values, 0.2126729 R + 0.7151522 G + 0.0721750 B.

    bottom[0]  x  (N, 3, H, W)  of the space `input`; (N, 1, H, W) for Gray
    top[0]     y  (N, 3, H, W)  of the space `output`; (N, 1, H, W) for Gray. No gradient

    Differences from the fork: all images of a batch are converted, there the first one alone; and
    every space to every other, where it leaves the top unwritten for some.

    Source: richzhang/splitbrainauto

    Example::

        layer { name: "lab" type: "ColorConv" bottom: "data" top: "lab"
                color_conv_param { input: BGR output: Lab } }
    """

    no_gradient = (0,)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param, name = self.param.color_conv_param, schema.ColorConvParameter.ColorSpace.Name
        self._given, self._wanted = name(param.input), name(param.output)
        self._steps = conversions(self._given, self._wanted)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        shape, channels = bottom[0].shape, 1 if self._given == "Gray" else 3
        if len(shape) != 4 or shape[1] != channels:
            raise self.fail(
                f"images of {self._given} must have shape (N, {channels}, H, W), got {shape}"
            )
        top[0].reshape(shape[0], 1 if self._wanted == "Gray" else 3, *shape[2:])

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        x = bottom[0].data
        for step in self._steps:
            x = step(self.xp, x)
        top[0].data[...] = x


def _mix(xp: Any, x: Array, matrix: Any) -> Array:
    """The channels of images (N, 3, H, W) multiplied by a 3 x 3 matrix."""
    mixed: Array = xp.einsum("dc,nchw->ndhw", xp.asarray(matrix, dtype=x.dtype), x)
    return mixed


def _per_channel(xp: Any, x: Array, values: Any) -> Array:
    shaped: Array = xp.asarray(values, dtype=x.dtype).reshape(1, -1, 1, 1)
    return shaped


def swap(xp: Any, x: Array) -> Array:
    return x[:, ::-1]


def rgb_to_gray(xp: Any, x: Array) -> Array:
    return (x * _per_channel(xp, x, TO_XYZ[1])).sum(axis=1, keepdims=True)


def gray_to_rgb(xp: Any, x: Array) -> Array:
    copied: Array = xp.concatenate([x, x, x], axis=1)
    return copied


def rgb_to_xyz(xp: Any, x: Array) -> Array:
    v = x / 255
    powered = (xp.maximum(v, 0) + 0.055) / 1.055
    return _mix(xp, xp.where(v <= 0.04045, v / 12.92, powered**2.4), TO_XYZ)


def xyz_to_rgb(xp: Any, x: Array) -> Array:
    v = _mix(xp, x, TO_RGB)
    powered = 1.055 * xp.maximum(v, 0) ** (1 / 2.4) - 0.055
    linear: Array = xp.where(v <= 0.0031308, v * 12.92, powered)
    return linear * 255


def xyz_to_lab(xp: Any, x: Array) -> Array:
    v = x / _per_channel(xp, x, WHITE)
    f = xp.where(v > 0.008867, xp.maximum(v, 0) ** (1 / 3), (903.3 * v + 16) / 116)
    a, b = 500 * (f[:, :1] - f[:, 1:2]), 200 * (f[:, 1:2] - f[:, 2:])
    lab: Array = xp.concatenate([116 * f[:, 1:2] - 16, a, b], axis=1)
    return lab


def lab_to_xyz(xp: Any, x: Array) -> Array:
    y = (x[:, :1] + 16) / 116
    v = xp.concatenate([y + x[:, 1:2] / 500, y, y - x[:, 2:] / 200], axis=1)
    return xp.where(v > 0.206896, v**3, (116 * v - 16) / 903.3) * _per_channel(xp, x, WHITE)


Step = Callable[[Any, Array], Array]

# The next space on the way from one space to RGB, and back.
_TOWARDS_RGB: dict[str, tuple[str, Step, Step]] = {
    "BGR": ("RGB", swap, swap),
    "Gray": ("RGB", gray_to_rgb, rgb_to_gray),
    "XYZ": ("RGB", xyz_to_rgb, rgb_to_xyz),
    "Lab": ("XYZ", lab_to_xyz, xyz_to_lab),
}


def conversions(given: str, wanted: str) -> list[Step]:
    """The conversions that lead from one space to another."""
    there, back = [given], [wanted]
    for spaces in (there, back):
        while spaces[-1] != "RGB":
            spaces.append(_TOWARDS_RGB[spaces[-1]][0])
    meeting = next(space for space in there if space in back)
    steps = [_TOWARDS_RGB[space][1] for space in there[: there.index(meeting)]]
    return steps + [_TOWARDS_RGB[space][2] for space in reversed(back[: back.index(meeting)])]
