"""Pooling and SPP."""

from caffe_lite.export.torch.registry import Code, Site, arguments, emits, same
from caffe_lite.layers.pooling import Pooling
from caffe_lite.layers.spp import SPP
from caffe_lite.proto import schema
from caffe_lite.types import AnyMessage, Shape

Methods = schema.PoolingParameter
_MOST_AXES = 3
_NAMES = {Methods.MAX: "max", Methods.AVE: "ave"}


@emits(Pooling)
def pooling(site: Site) -> Code:
    param, (x,) = site.param.pooling_param, site.x
    method, masked = param.pool, len(site.top_shapes) > 1
    if param.global_pooling:
        return _global(site, x, method, masked)
    kernel = pair(param, "kernel_size", "kernel")
    stride, pad = pair(param, "stride", "stride"), pair(param, "pad", "pad")
    ceil = param.round_mode == Methods.CEIL
    given = arguments(x, str(kernel), str(stride), str(pad), ceil=None if ceil else "False")
    if method == Methods.STOCHASTIC:
        if not ceil:
            raise site.refuse("STOCHASTIC with round_mode: FLOOR has no translation")
        return Code(f"stochastic_pool({x}, {kernel}, {stride})")
    if masked:
        return Code(f"max_pool_mask({given})")
    return windows(site, method, kernel, stride, pad, ceil)


def windows(
    site: Site,
    method: int,
    kernel: Shape,
    stride: Shape,
    pad: Shape,
    ceil: bool = True,
    include_pad: bool = True,
) -> Code:
    """MAX or AVE over one to three axes, by PyTorch's own layer where that does the same."""
    (x,) = site.x
    if method not in _NAMES or len(kernel) > _MOST_AXES:
        raise site.refuse(f"PyTorch pools over up to {_MOST_AXES} axes, by MAX or AVE")
    averages = method == Methods.AVE
    inside = "False" if averages and not include_pad else None
    # PyTorch takes pads up to half the kernel; without gaps no window lies outside the image.
    if all(2 * p <= k and s <= k for k, s, p in zip(kernel, stride, pad, strict=True)):
        made = arguments(
            same(kernel),
            same(stride),
            padding=same(pad) if any(pad) else None,
            ceil_mode="True" if ceil else None,
            count_include_pad=inside,
        )
        kind = "Avg" if averages else "Max"
        return Code(f"{site.me}({x})", f"nn.{kind}Pool{len(kernel)}d({made})")
    given = arguments(
        x,
        str(kernel),
        str(stride),
        str(pad),
        ceil=None if ceil else "False",
        include_pad=inside,
    )
    return Code(f"{_NAMES[method]}_pool({given})")


def _global(site: Site, x: str, method: int, masked: bool) -> Code:
    if masked:
        return Code(f"max_pool_mask({x}, tuple({x}.shape[2:]), (1, 1), (0, 0))")
    if method == Methods.MAX:
        return Code(f"F.max_pool2d({x}, {x}.shape[2:])")
    if method == Methods.AVE:
        return Code(f"{x}.mean((2, 3), keepdim=True)")
    return Code(f"stochastic_pool({x}, tuple({x}.shape[2:]), (1, 1))")


def pair(param: AnyMessage, field: str, short: str) -> tuple[int, int]:
    """Height and width, from one field or from two."""
    if param.HasField(f"{short}_h"):
        return getattr(param, f"{short}_h"), getattr(param, f"{short}_w")
    return (getattr(param, field),) * 2


@emits(SPP)
def spp(site: Site) -> Code:
    param, (x,) = site.param.spp_param, site.x
    if param.pool not in _NAMES:
        raise site.refuse("SPP with STOCHASTIC pooling has no translation")
    return Code(f'spp({x}, {param.pyramid_height}, "{_NAMES[param.pool]}")')
