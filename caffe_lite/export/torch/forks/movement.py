"""Layers of the forks that move, repeat and resize."""

from caffe_lite.export.torch.registry import Code, Site, emits, number
from caffe_lite.forks.deeplab.interp import Interp
from caffe_lite.forks.faces.flip import Flip
from caffe_lite.forks.flownet.accum import Accum
from caffe_lite.forks.flownet.correlation import Correlation
from caffe_lite.forks.flownet.flow_warp import FlowWarp
from caffe_lite.forks.mobile.shuffle_channel import ShuffleChannel
from caffe_lite.forks.segnet.unpooling import Unpooling
from caffe_lite.forks.segnet.upsample import Upsample
from caffe_lite.forks.text.continuation_indicator import ContinuationIndicator
from caffe_lite.forks.text.reverse import Reverse
from caffe_lite.forks.text.transpose import Transpose
from caffe_lite.forks.video.gather import Gather
from caffe_lite.proto import schema
from caffe_lite.types import AnyMessage


@emits(ShuffleChannel)
def shuffle_channel(site: Site) -> Code:
    return Code(f"shuffle_channels({site.x[0]}, {site.param.shuffle_channel_param.group})")


@emits(Flip)
def flip(site: Site) -> Code:
    param = site.param.flip_param
    axes = [axis for axis, flag in ((2, param.flip_height), (3, param.flip_width)) if flag]
    return Code(f"{site.x[0]}.flip({', '.join(map(str, axes))})" if axes else site.x[0])


@emits(Reverse)
def reverse(site: Site) -> Code:
    return Code(f"{site.x[0]}.flip({site.param.reverse_param.axis})")


@emits(Transpose)
def transpose(site: Site) -> Code:
    return Code(f"{site.x[0]}.permute({', '.join(map(str, site.param.transpose_param.dim))})")


@emits(Gather)
def gather(site: Site) -> Code:
    return Code(", ".join(site.x))


@emits(ContinuationIndicator)
def continuation_indicator(site: Site) -> Code:
    steps, streams = site.top_shapes[0]
    if steps == 1:
        return Code(f"{site.me}()", f"Constants(((1, {streams}), 0))")
    rows = f"Constants(((1, {streams}), 0), (({steps - 1}, {streams}), 1))"
    return Code(f"torch.cat({site.me}())", rows)


@emits(Upsample)
def upsample(site: Site) -> Code:
    param, masked = site.param.upsample_param, len(site.x) > 1
    default = param.scale if masked or param.HasField("scale") else 1
    scale = (param.scale_h or default, param.scale_w or default)
    if not masked:
        return Code(f"repeat_pixels({site.x[0]}, {scale})")
    x, mask = site.x
    if param.HasField("upsample_h"):
        return Code(f"place_pixels({x}, {mask}, ({param.upsample_h}, {param.upsample_w}))")
    sides = [
        f"{scale[i]} * {x}.shape[{2 + i}]" + (f" - {pad}" if pad else "")
        for i, pad in enumerate((param.pad_out_h, param.pad_out_w))
    ]
    return Code(f"place_pixels({x}, {mask}, ({', '.join(sides)}))")


@emits(Unpooling)
def unpooling(site: Site) -> Code:
    param = site.param.unpooling_param
    size = _pair(param, "unpool_size", "unpool")
    if len(site.x) > 1:
        return Code(f"place_pixels({', '.join(site.x)}, {size})")
    kernel, stride = _pair(param, "kernel_size", "kernel"), _pair(param, "stride", "stride")
    method = schema.UnpoolingParameter.UnpoolMethod.Name(param.unpool)
    return Code(f'unpool({site.x[0]}, {kernel}, {stride}, {size}, "{method}")')


def _pair(param: AnyMessage, field: str, short: str) -> tuple[int, int]:
    if param.HasField(f"{short}_h"):
        return getattr(param, f"{short}_h"), getattr(param, f"{short}_w")
    return (getattr(param, field),) * 2


@emits(Interp)
def interp(site: Site) -> Code:
    param = site.param.interp_param
    shrinks, zooms = param.HasField("shrink_factor"), param.HasField("zoom_factor")
    sized = param.HasField("height") and param.HasField("width")
    size = (param.height, param.width) if sized and shrinks == zooms else None
    return Code(
        f"interp({site.x[0]}, size={size}, shrink={param.shrink_factor}, "
        f"zoom={param.zoom_factor}, begin={-param.pad_beg}, end={-param.pad_end})"
    )


@emits(FlowWarp)
def flow_warp(site: Site) -> Code:
    zero = site.param.flow_warp_param.fill_value == schema.FlowWarpParameter.ZERO
    return Code(f"flow_warp({', '.join(site.x)}, {'0.0' if zero else number(float('nan'))})")


@emits(Correlation)
def correlation(site: Site) -> Code:
    param = site.param.correlation_param
    multiply = param.correlation_type == schema.CorrelationParameter.MULTIPLY
    return Code(
        f"correlation({', '.join(site.x)}, kernel={param.kernel_size}, "
        f"displacement={param.max_displacement}, stride=({param.stride_1}, {param.stride_2}), "
        f"pad={param.pad}, multiply={multiply})"
    )


@emits(Accum)
def accum(site: Site) -> Code:
    param, xs = site.param.accum_param, list(site.x)
    if param.have_reference:
        size = f"tuple({xs.pop()}.shape[2:])"
    elif param.size_divisible_by or param.top_height or param.top_width:
        size = str(tuple(site.top_shapes[0][2:]))
    else:
        heights, widths = (", ".join(f"{x}.shape[{axis}]" for x in xs) for axis in (2, 3))
        size = f"(max({heights}), max({widths}))" if len(xs) > 1 else f"tuple({xs[0]}.shape[2:])"
    return Code(f"torch.cat([{', '.join(f'resize_corners({x}, {size})' for x in xs)}], 1)")
