"""Convolution, Deconvolution, Im2col."""

from caffe_lite.backend.geometry import ConvGeometry
from caffe_lite.export.torch.registry import Code, Site, Slot, arguments, emits, same
from caffe_lite.layers._conv import read_geometry
from caffe_lite.layers.convolution import Convolution
from caffe_lite.layers.deconvolution import Deconvolution
from caffe_lite.layers.im2col import Im2col

_MOST_AXES = 3  # that PyTorch convolves over


@emits(Convolution)
def convolution(site: Site) -> Code:
    return convolve(site, "nn.Conv")


@emits(Deconvolution)
def deconvolution(site: Site) -> Code:
    return convolve(site, "nn.ConvTranspose")


def convolve(site: Site, kind: str, group: int | None = None) -> Code:
    """A convolution by `convolution_param`, over the axes after that of the channels."""
    param = site.param.convolution_param
    axis = site.axis(param.axis)
    spatial = len(site.shape) - axis - 1
    geometry = read_geometry(site.layer, spatial, param.group if group is None else group)
    if not spatial:  # as if there were one axis of size 1
        geometry = ConvGeometry((1,), (1,), (0,), (1,), geometry.group)
    axes = len(geometry.kernel)
    if axes > _MOST_AXES:
        raise site.refuse(f"PyTorch convolves over up to {_MOST_AXES} axes, not {axes}")
    outputs = site.top_shapes[0][axis]
    weights = {"weight": Slot(0, shape=None if spatial else (*site.blob(0), 1))}
    if param.bias_term:
        weights["bias"] = Slot(1, shape=(outputs,))
    given = arguments(
        str(site.shape[axis]),
        str(outputs),
        same(geometry.kernel),
        **_options(geometry),
        bias=None if param.bias_term else "False",
    )
    calls = [_call(site.me, x, axis, not spatial) for x in site.x]
    return Code(", ".join(calls), f"{kind}{axes}d({given})", weights)


def _options(geometry: ConvGeometry) -> dict[str, str]:
    """What differs from PyTorch's defaults."""
    found = {}
    if set(geometry.stride) != {1}:
        found["stride"] = same(geometry.stride)
    if any(geometry.pad):
        found["padding"] = same(geometry.pad)
    if set(geometry.dilation) != {1}:
        found["dilation"] = same(geometry.dilation)
    if geometry.group != 1:
        found["groups"] = str(geometry.group)
    return found


def _call(me: str, x: str, axis: int, flat: bool) -> str:
    """PyTorch takes one axis before the channels and one or more after them."""
    wide = f"{x}.unsqueeze(-1)" if flat else x
    if axis == 0:
        call = f"{me}({wide}.unsqueeze(0)).squeeze(0)"
    elif axis == 1:
        call = f"{me}({wide})"
    else:
        call = f"{me}({wide}.flatten(0, {axis - 1})).unflatten(0, {x}.shape[:{axis}])"
    return f"{call}.squeeze(-1)" if flat else call


@emits(Im2col)
def im2col(site: Site) -> Code:
    axis = site.axis(site.param.convolution_param.axis)
    geometry = read_geometry(site.layer, len(site.shape) - axis - 1)
    given = f"{geometry.kernel}, {geometry.stride}, {geometry.pad}, {geometry.dilation}"
    (x,) = site.x
    if axis == 0:
        return Code(f"im2col({x}.unsqueeze(0), {given}).squeeze(0)")
    if axis == 1:
        return Code(f"im2col({x}, {given})")
    return Code(f"im2col({x}.flatten(0, {axis - 1}), {given}).unflatten(0, {x}.shape[:{axis}])")
