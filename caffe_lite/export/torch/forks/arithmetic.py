"""Convolutions, products and activations of the forks."""

from caffe_lite.export.torch.layers.arithmetic import eltwise, parameter
from caffe_lite.export.torch.layers.convolution import convolve
from caffe_lite.export.torch.layers.neurons import dropout, module
from caffe_lite.export.torch.layers.normalization import scale
from caffe_lite.export.torch.registry import Code, Site, Slot, arguments, emits, number
from caffe_lite.forks.faces.inner_distance import InnerDistance
from caffe_lite.forks.faces.inner_product import ScaledInnerProduct
from caffe_lite.forks.faces.parameter import FilledParameter
from caffe_lite.forks.faces.scale import LimitedScale
from caffe_lite.forks.flownet.mean import Mean
from caffe_lite.forks.happynear.channel_scale import ChannelScale
from caffe_lite.forks.lrcn.eltwise import EltwiseWithCoefficients
from caffe_lite.forks.mobile.axpy import Axpy
from caffe_lite.forks.mobile.convolution import Convolution as TfConvolution
from caffe_lite.forks.mobile.depthwise_convolution import DepthwiseConvolution
from caffe_lite.forks.mobile.relu6 import ReLU6
from caffe_lite.forks.rcnn.dropout import UnscaledDropout
from caffe_lite.forks.segnet.dropout import Dropout as SegnetDropout
from caffe_lite.forks.segnet.spatial_dropout import SpatialDropout
from caffe_lite.forks.video.convolution3d import Convolution3D
from caffe_lite.forks.video.nd_convolution import NdConvolution
from caffe_lite.layers._conv import read_geometry
from caffe_lite.proto import schema


@emits(DepthwiseConvolution, TfConvolution, Convolution3D, NdConvolution)
def convolution(site: Site) -> Code:
    param, code = site.param.convolution_param, convolve(site, "nn.Conv")
    if not param.HasField("tf_pad") or param.tf_pad != schema.ConvolutionParameter.SAME:
        return code
    if site.axis(param.axis) != 1 or len(site.x) > 1:
        raise site.refuse("tf_pad: SAME has a translation for one bottom with channels on axis 1")
    geometry = read_geometry(site.layer, len(site.shape) - 2, param.group)
    padded = f"pad_same({site.x[0]}, {geometry.extent}, {geometry.stride})"
    return Code(f"{site.me}({padded})", code.init, code.weights)


@emits(ReLU6)
def relu6(site: Site) -> Code:
    own, general = site.param.relu6_param, site.param.relu_param
    slope = (own if own.HasField("negative_slope") else general).negative_slope
    if not slope:
        return module(site, "nn.ReLU6()")
    return Code(f"F.leaky_relu({site.x[0]}.clamp(max=6), {number(slope)})")


@emits(Axpy)
def axpy(site: Site) -> Code:
    a, x1, x2 = site.x
    short = a if len(site.bottom_shapes[0]) == 2 else f"{a}.flatten(1)"
    return Code(f"along({short}, {x1}, 0) * {x1} + {x2}")


@emits(ChannelScale)
def channel_scale(site: Site) -> Code:
    param, (x, a) = site.param.channel_scale_param, site.x
    if not (param.do_forward and param.do_backward_feature and param.do_backward_scale):
        raise site.refuse("only part of a product or its gradient has no translation")
    return Code(f"{x} * {a}.reshape({x}.shape[0], 1, *{x}.shape[2:])")


@emits(EltwiseWithCoefficients)
def eltwise_with_coefficients(site: Site) -> Code:
    param = site.param.eltwise_param
    if not param.coeff_blob:
        return eltwise(site)
    *xs, k = site.x
    coeffs = list(param.coeff) or [1.0] * len(xs)
    terms = []
    for i, (x, coeff) in enumerate(zip(xs, coeffs, strict=True)):
        rows = f"{k}.reshape({len(xs)}, -1)[{i}]"
        factor = "" if coeff == 1 else f"{number(coeff)} * "
        terms.append(f"{factor}along({rows}, {x}, 0) * {x}")
    return Code(" + ".join(terms))


emits(FilledParameter)(parameter)


@emits(LimitedScale)
def limited_scale(site: Site) -> Code:
    """The factor itself is cut to the limits in every call."""
    if len(site.x) > 1:
        raise site.refuse("a factor that is a bottom and is overwritten has no translation")
    param, code = site.param.scale_param, scale(site)
    least = number(param.min_value) if param.HasField("min_value") else "None"
    most = number(param.max_value) if param.HasField("max_value") else "None"
    init = code.init.replace("Scale(", f"LimitedScale({least}, {most}, ", 1)
    return Code(code.call, init, code.weights)


@emits(Mean)
def mean(site: Site) -> Code:
    param = site.param.mean_param
    if param.file:
        raise site.refuse("a mean image from a file has no translation; use --mean")
    sign = 1 if param.operation == schema.MeanParameter.ADD else -1
    factor, slope = sign * param.mean_scale * param.output_scale, param.input_scale
    tops = []
    for x, shape in zip(site.x, site.bottom_shapes, strict=True):
        values = [number(factor * value) for value in param.value] * (shape[1] // len(param.value))
        each = f"{x}.new_tensor([{', '.join(values)}]).view(-1, 1, 1)"
        scaled = slope * param.output_scale
        tops.append(f"{x if scaled == 1 else f'{number(scaled)} * {x}'} + {each}")
    return Code(", ".join(tops))


@emits(SegnetDropout)
def segnet_dropout(site: Site) -> Code:
    if site.param.dropout_param.sample_weights_test and site.param.dropout_param.dropout_ratio:
        raise site.refuse("random numbers in the TEST phase cannot be compared")
    return dropout(site)


@emits(SpatialDropout)
def spatial_dropout(site: Site) -> Code:
    param = site.param.spatial_dropout_param
    if param.sample_weights_test and param.dropout_ratio:
        raise site.refuse("random numbers in the TEST phase cannot be compared")
    return module(site, f"nn.Dropout2d({number(param.dropout_ratio)})")


@emits(UnscaledDropout)
def unscaled_dropout(site: Site) -> Code:
    param, (x,) = site.param.dropout_param, site.x
    if param.scale_train:
        return dropout(site)
    # nn.Dropout scales while training; times what is kept, both phases are as here.
    kept = number(1 - param.dropout_ratio)
    return Code(f"{kept} * {site.me}({x})", f"nn.Dropout({number(param.dropout_ratio)})")


@emits(ScaledInnerProduct)
def scaled_inner_product(site: Site) -> Code:
    param = site.param.inner_product_param
    axis = site.axis(param.axis)
    x = site.x[0] if axis == len(site.shape) - 1 else f"{site.x[0]}.flatten({axis})"
    if len(site.x) > 1:
        weight = site.x[1] if len(site.bottom_shapes[1]) == 2 else f"{site.x[1]}.flatten(1)"
        product = f"{x} @ {weight}.T"
        if len(site.x) > 2:
            return Code(f"{product} + {site.x[2]}.flatten()")
        if not param.bias_term:
            return Code(product)
        shape = site.blob(0)
        return Code(
            f"{site.me}({product})",
            f"Bias({shape}, axis={len(site.top_shapes[0]) - 1})",
            {"bias": Slot(0)},
        )
    if param.transpose:
        raise site.refuse("normalized columns have no translation")
    outputs, inputs = site.blob(0)
    given = arguments(
        str(inputs),
        str(outputs),
        bias="True" if param.bias_term else None,
        unit=_unit(param.normalize),
    )
    weights = {"weight": Slot(0)} | ({"bias": Slot(1)} if param.bias_term else {})
    return Code(f"{site.me}({x})", f"UnitRows({given})", weights)


def _unit(normalize: bool) -> str | None:
    return None if normalize else "False"


@emits(InnerDistance)
def inner_distance(site: Site) -> Code:
    param = site.param.inner_distance_param
    if param.update_center_only:
        raise site.refuse("a gradient that depends on labels has no translation")
    if len(site.x) > 1:
        axis = site.axis(param.axis)
        x = site.x[0] if axis == len(site.shape) - 1 else f"{site.x[0]}.flatten({axis})"
        rows = site.x[1] if len(site.bottom_shapes[1]) == 2 else f"{site.x[1]}.flatten(1)"
        power = "abs()" if param.distance_type == "L1" else "square()"
        return Code(f"({x}[..., None, :] - {rows}).{power}.sum(-1)")
    axis = site.axis(param.axis)
    x = site.x[0] if axis == len(site.shape) - 1 else f"{site.x[0]}.flatten({axis})"
    outputs, inputs = site.blob(0)
    given = arguments(
        str(inputs), str(outputs), distance=f'"{param.distance_type}"', unit=_unit(param.normalize)
    )
    return Code(f"{site.me}({x})", f"UnitRows({given})", {"weight": Slot(0)})
