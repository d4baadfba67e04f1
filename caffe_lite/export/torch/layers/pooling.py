"""Pooling and SPP."""

from caffe_lite.export.torch.registry import Code, Site, arguments, emits, same
from caffe_lite.layers.pooling import Pooling
from caffe_lite.layers.spp import SPP
from caffe_lite.proto import schema
from caffe_lite.types import AnyMessage

Methods = schema.PoolingParameter
_NAMES = {Methods.MAX: "max", Methods.AVE: "ave"}


@emits(Pooling)
def pooling(site: Site) -> Code:
    param, (x,) = site.param.pooling_param, site.x
    method, masked = param.pool, len(site.top_shapes) > 1
    if param.global_pooling:
        return _global(site, x, method, masked)
    kernel = _pair(param, "kernel_size", "kernel")
    stride, pad = _pair(param, "stride", "stride"), _pair(param, "pad", "pad")
    ceil = param.round_mode == Methods.CEIL
    given = arguments(x, str(kernel), str(stride), str(pad), ceil=None if ceil else "False")
    if method == Methods.STOCHASTIC:
        if not ceil:
            raise site.refuse("STOCHASTIC with round_mode: FLOOR has no translation")
        return Code(f"stochastic_pool({x}, {kernel}, {stride})")
    if masked:
        return Code(f"max_pool_mask({given})")
    # PyTorch takes pads up to half the kernel; without gaps no window lies outside the image.
    native = all(2 * p <= k and s <= k for k, s, p in zip(kernel, stride, pad, strict=True))
    if not native:
        return Code(f"{_NAMES[method]}_pool({given})")
    kind = "Max" if method == Methods.MAX else "Avg"
    made = arguments(
        same(kernel),
        same(stride),
        padding=same(pad) if any(pad) else None,
        ceil_mode="True" if ceil else None,
    )
    return Code(f"{site.me}({x})", f"nn.{kind}Pool2d({made})")


def _global(site: Site, x: str, method: int, masked: bool) -> Code:
    if masked:
        return Code(f"max_pool_mask({x}, tuple({x}.shape[2:]), (1, 1), (0, 0))")
    if method == Methods.MAX:
        return Code(f"F.max_pool2d({x}, {x}.shape[2:])")
    if method == Methods.AVE:
        return Code(f"{x}.mean((2, 3), keepdim=True)")
    return Code(f"stochastic_pool({x}, tuple({x}.shape[2:]), (1, 1))")


def _pair(param: AnyMessage, field: str, short: str) -> tuple[int, int]:
    if param.HasField(f"{short}_h"):
        return getattr(param, f"{short}_h"), getattr(param, f"{short}_w")
    return (getattr(param, field),) * 2


@emits(SPP)
def spp(site: Site) -> Code:
    param, (x,) = site.param.spp_param, site.x
    if param.pool not in _NAMES:
        raise site.refuse("SPP with STOCHASTIC pooling has no translation")
    return Code(f'spp({x}, {param.pyramid_height}, "{_NAMES[param.pool]}")')
