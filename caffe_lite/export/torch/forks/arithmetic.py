"""Convolutions, products and activations of the forks."""

from caffe_lite.export.torch.layers.arithmetic import eltwise
from caffe_lite.export.torch.layers.convolution import convolve
from caffe_lite.export.torch.layers.neurons import dropout, module
from caffe_lite.export.torch.layers.pooling import pooling
from caffe_lite.export.torch.registry import Code, Site, Slot, arguments, emits, number
from caffe_lite.forks.faces.inner_distance import InnerDistance
from caffe_lite.forks.faces.inner_product import ScaledInnerProduct
from caffe_lite.forks.happynear.channel_scale import ChannelScale
from caffe_lite.forks.intel.pooling import Pooling as IntelPooling
from caffe_lite.forks.lrcn.eltwise import EltwiseWithCoefficients
from caffe_lite.forks.mobile.axpy import Axpy
from caffe_lite.forks.mobile.convolution import Convolution as TfConvolution
from caffe_lite.forks.mobile.depthwise_convolution import DepthwiseConvolution
from caffe_lite.forks.mobile.relu6 import ReLU6
from caffe_lite.forks.rcnn.dropout import UnscaledDropout
from caffe_lite.forks.segnet.dropout import Dropout as SegnetDropout
from caffe_lite.forks.segnet.spatial_dropout import SpatialDropout
from caffe_lite.forks.video.convolution3d import Convolution3D
from caffe_lite.proto import schema


@emits(DepthwiseConvolution, TfConvolution, Convolution3D)
def convolution(site: Site) -> Code:
    param = site.param.convolution_param
    if param.HasField("tf_pad") and param.tf_pad == schema.ConvolutionParameter.SAME:
        raise site.refuse("tf_pad: SAME, whose padding follows the size, has no translation")
    return convolve(site, "nn.Conv")


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


@emits(IntelPooling)
def intel_pooling(site: Site) -> Code:
    param = site.param.pooling_param
    if param.pool == schema.PoolingParameter.AVE and not param.avg_include_pad:
        raise site.refuse("averages without the padding have no translation")
    return pooling(site)


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
    if param.update_center_only or len(site.x) > 1:
        raise site.refuse("distances from given rows, or with labels, have no translation")
    axis = site.axis(param.axis)
    x = site.x[0] if axis == len(site.shape) - 1 else f"{site.x[0]}.flatten({axis})"
    outputs, inputs = site.blob(0)
    given = arguments(
        str(inputs), str(outputs), distance=f'"{param.distance_type}"', unit=_unit(param.normalize)
    )
    return Code(f"{site.me}({x})", f"UnitRows({given})", {"weight": Slot(0)})
