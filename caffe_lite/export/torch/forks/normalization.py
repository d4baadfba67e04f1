"""Normalization layers of the forks."""

from caffe_lite.export.torch.layers.normalization import batch_norm
from caffe_lite.export.torch.registry import Code, Site, Slot, arguments, emits, number
from caffe_lite.forks.ctpn import bn as ctpn
from caffe_lite.forks.deeplab import bn as deeplab
from caffe_lite.forks.deeplab.batch_norm import BatchNorm as DeeplabBatchNorm
from caffe_lite.forks.faces.normalize import ChannelNormalize
from caffe_lite.forks.flownet.channel_norm import ChannelNorm
from caffe_lite.forks.happynear import batch_norm as happynear
from caffe_lite.forks.intel.batch_norm import BatchNorm as IntelBatchNorm
from caffe_lite.forks.nvidia.batch_norm import BatchNorm as NvidiaBatchNorm
from caffe_lite.forks.segnet import bn as segnet
from caffe_lite.proto import schema

emits(DeeplabBatchNorm)(batch_norm)


@emits(deeplab.BN)
def deeplab_bn(site: Site) -> Code:
    param = site.param.bn_param
    return _channel_norm(site, param.eps, param.momentum, frozen=param.frozen)


@emits(ctpn.BN)
def ctpn_bn(site: Site) -> Code:
    param = site.param.bn_param
    momentum = 1 - param.decay if param.moving_average else None
    return _channel_norm(site, param.var_eps, momentum, axis=int(param.axis))


@emits(segnet.BN)
def segnet_bn(site: Site) -> Code:
    if len(site.top_shapes) > 1:
        raise site.refuse("the statistics of a batch as tops have no translation")
    if site.param.bn_param.bn_mode == schema.BNParameter.LEARN:
        return _channel_norm(site, 1e-9, None)
    shape = (site.shape[1],)
    weights = {"weight": Slot(0, shape=shape), "bias": Slot(1, shape=shape)}
    return Code(f"{site.me}({site.x[0]})", f"Scale({shape})", weights)


def _channel_norm(
    site: Site, eps: float, momentum: float | None, axis: int = 1, frozen: bool = False
) -> Code:
    channels = site.shape[axis]
    names = ["weight", "bias"] + ([] if momentum is None else ["mean", "variance"])
    weights = {name: Slot(i, shape=(channels,), buffer=i > 1) for i, name in enumerate(names)}
    given = arguments(
        str(channels),
        f"eps={number(eps)}",
        momentum=None if momentum is None else number(momentum),
        axis=None if axis == 1 else axis,
        frozen="True" if frozen else None,
    )
    return Code(f"{site.me}({site.x[0]})", f"ChannelNorm({given})", weights)


@emits(IntelBatchNorm)
def intel_batch_norm(site: Site) -> Code:
    param = site.param.batch_norm_param
    if param.HasField("use_global_stats") and not param.use_global_stats:
        raise site.refuse("use_global_stats: false takes the batch's statistics in the TEST phase")
    return _scaled(site, param.eps, param.relu, param.use_global_stats)


@emits(NvidiaBatchNorm)
def nvidia_batch_norm(site: Site) -> Code:
    param = site.param.batch_norm_param
    return _scaled(site, max(param.eps, 1e-5), False, param.use_global_stats)


def _scaled(site: Site, eps: float, relu: bool, always_global: bool) -> Code:
    count = len(site.layer.blobs)
    names = ("norm.mean", "norm.variance", "norm.factor", "weight", "bias")[:count]
    weights = {name: Slot(i, buffer=i < 3) for i, name in enumerate(names)}
    fraction = site.param.batch_norm_param.moving_average_fraction
    given = arguments(
        str(site.blob(0)[0]),
        number(eps),
        number(fraction),
        scale=str(count > 3),
        bias=str(count > 4),
        relu="True" if relu else None,
        always_global="True" if always_global else None,
    )
    return Code(f"{site.me}({site.x[0]})", f"ScaledBatchNorm({given})", weights)


@emits(happynear.BatchNorm)
def part_batch_norm(site: Site) -> Code:
    param = site.param.batch_norm_param
    if param.HasField("use_global_stats"):
        raise site.refuse("use_global_stats beside disable_mean has no translation")
    given = arguments(
        str(site.blob(0)[0]),
        number(param.eps),
        number(param.moving_average_fraction),
        mean=str(not param.disable_mean),
        scale=str(not param.disable_variance),
    )
    names = ("mean", "variance", "factor")
    weights = {name: Slot(i, buffer=True) for i, name in enumerate(names)}
    return Code(f"{site.me}({site.x[0]})", f"PartBatchNorm({given})", weights)


@emits(ChannelNormalize)
def channel_normalize(site: Site) -> Code:
    param, (x,) = site.param.normalize_param, site.x
    kind = param.normalize_type
    if site.param.softmax_param.HasField("normalize_type"):
        kind = site.param.softmax_param.normalize_type
    if param.fix_gradient or (len(site.top_shapes) > 1 and not param.bp_norm):
        raise site.refuse("a gradient other than the formula's has no translation")
    length = (
        f"({x}.square().sum(1, keepdim=True) + 1e-12).sqrt()"
        if kind == "L2"
        else f"({x}.abs().sum(1, keepdim=True) + 1e-06)"
    )
    return Code(f"{x} / {length}" if len(site.top_shapes) == 1 else f"{x} / {length}, {length}")


@emits(ChannelNorm)
def channel_norm(site: Site) -> Code:
    (x,) = site.x
    return Code(f"torch.linalg.vector_norm({x}, dim=1, keepdim=True)")
