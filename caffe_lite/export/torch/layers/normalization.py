"""Normalization, and the scales and biases beside it."""

from caffe_lite.export.torch.registry import Code, Site, Slot, arguments, emits, number
from caffe_lite.layers.batch_norm import BatchNorm
from caffe_lite.layers.bias import Bias
from caffe_lite.layers.lrn import LRN
from caffe_lite.layers.mvn import MVN
from caffe_lite.layers.scale import Scale
from caffe_lite.proto import schema


@emits(BatchNorm)
def batch_norm(site: Site) -> Code:
    param = site.param.batch_norm_param
    always = param.HasField("use_global_stats") and param.use_global_stats
    if param.HasField("use_global_stats") and not param.use_global_stats:
        raise site.refuse("use_global_stats: false takes the batch's statistics in the TEST phase")
    given = arguments(
        str(site.blob(0)[0]),
        f"eps={number(param.eps)}",
        fraction=number(param.moving_average_fraction),
        always_global="True" if always else None,
    )
    names = ("mean", "variance", "factor")
    weights = {name: Slot(i, buffer=True) for i, name in enumerate(names)}
    return Code(f"{site.me}({site.x[0]})", f"BatchNorm({given})", weights)


@emits(Scale)
def scale(site: Site) -> Code:
    param = site.param.scale_param
    axis = site.axis(param.axis)
    if len(site.x) == 1:
        shape = site.blob(0)
        given = arguments(
            str(shape), axis=None if axis == 1 else axis, bias=None if param.bias_term else "False"
        )
        weights = {"weight": Slot(0)} | ({"bias": Slot(1)} if param.bias_term else {})
        return Code(f"{site.me}({site.x[0]})", f"Scale({given})", weights)
    x, a = site.x
    axis = axis if site.bottom_shapes[1] else 0
    product = f"{x} * along({a}, {x}, {axis})"
    if not param.bias_term:
        return Code(product)
    return Code(f"{site.me}({product})", f"Bias({site.blob(0)}, axis={axis})", {"bias": Slot(0)})


@emits(Bias)
def bias(site: Site) -> Code:
    axis = site.axis(site.param.bias_param.axis)
    if len(site.x) == 1:
        given = arguments(str(site.blob(0)), axis=None if axis == 1 else axis)
        return Code(f"{site.me}({site.x[0]})", f"Bias({given})", {"bias": Slot(0)})
    x, b = site.x
    return Code(f"{x} + along({b}, {x}, {axis if site.bottom_shapes[1] else 0})")


@emits(LRN)
def lrn(site: Site) -> Code:
    param, (x,) = site.param.lrn_param, site.x
    size, alpha, beta = param.local_size, number(param.alpha), number(param.beta)
    if param.norm_region == schema.LRNParameter.WITHIN_CHANNEL:
        return Code(f"lrn_within({x}, {size}, {alpha}, {beta})")
    return Code(
        f"{site.me}({x})", f"nn.LocalResponseNorm({size}, {alpha}, {beta}, {number(param.k)})"
    )


@emits(MVN)
def mvn(site: Site) -> Code:
    param = site.param.mvn_param
    return Code(
        f"mvn({site.x[0]}, across_channels={param.across_channels}, "
        f"normalize_variance={param.normalize_variance}, eps={number(param.eps)})"
    )
