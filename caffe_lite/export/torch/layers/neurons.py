"""Activations: one function applied to every element."""

import math

from caffe_lite.export.torch.registry import Code, Site, Slot, emits, number
from caffe_lite.layers.absval import AbsVal
from caffe_lite.layers.bnll import BNLL
from caffe_lite.layers.clip import Clip
from caffe_lite.layers.dropout import Dropout
from caffe_lite.layers.elu import ELU
from caffe_lite.layers.exp import Exp
from caffe_lite.layers.log import Log
from caffe_lite.layers.power import Power
from caffe_lite.layers.prelu import PReLU
from caffe_lite.layers.relu import ReLU
from caffe_lite.layers.sigmoid import Sigmoid
from caffe_lite.layers.softmax import Softmax
from caffe_lite.layers.swish import Swish
from caffe_lite.layers.tanh import TanH
from caffe_lite.layers.threshold import Threshold


def module(site: Site, init: str, weights: dict[str, Slot] | None = None) -> Code:
    """A module that takes the only bottom."""
    return Code(f"{site.me}({site.x[0]})", init, weights or {})


@emits(ReLU)
def relu(site: Site) -> Code:
    slope = site.param.relu_param.negative_slope
    return module(site, f"nn.LeakyReLU({number(slope)})" if slope else "nn.ReLU()")


@emits(PReLU)
def prelu(site: Site) -> Code:
    count = 1 if site.param.prelu_param.channel_shared else site.shape[1]
    return module(site, f"nn.PReLU({count})", {"weight": Slot(0, shape=(count,))})


@emits(ELU)
def elu(site: Site) -> Code:
    return module(site, f"nn.ELU({number(site.param.elu_param.alpha)})")


@emits(Sigmoid)
def sigmoid(site: Site) -> Code:
    return module(site, "nn.Sigmoid()")


@emits(TanH)
def tanh(site: Site) -> Code:
    return module(site, "nn.Tanh()")


@emits(Softmax)
def softmax(site: Site) -> Code:
    return module(site, f"nn.Softmax({site.axis(site.param.softmax_param.axis)})")


@emits(Dropout)
def dropout(site: Site) -> Code:
    return module(site, f"nn.Dropout({number(site.param.dropout_param.dropout_ratio)})")


@emits(BNLL)
def bnll(site: Site) -> Code:
    return Code(f"F.softplus({site.x[0]})")


@emits(AbsVal)
def absval(site: Site) -> Code:
    return Code(f"{site.x[0]}.abs()")


@emits(Swish)
def swish(site: Site) -> Code:
    (x,), beta = site.x, site.param.swish_param.beta
    inner = x if beta == 1 else f"({number(beta)} * {x})"
    return Code(f"{x} * {inner}.sigmoid()")


@emits(Clip)
def clip(site: Site) -> Code:
    param = site.param.clip_param
    return Code(f"{site.x[0]}.clamp({number(param.min)}, {number(param.max)})")


@emits(Threshold)
def threshold(site: Site) -> Code:
    (x,) = site.x
    return Code(f"({x} > {number(site.param.threshold_param.threshold)}).to({x}.dtype)")


@emits(Power)
def power(site: Site) -> Code:
    param, (x,) = site.param.power_param, site.x
    if param.power == 0 or param.scale == 0:
        value = 1.0 if param.power == 0 else _raised(site, param.shift, param.power)
        return Code(f"torch.full_like({x}, {number(value)})")
    return Code(_power(affine(x, param.scale, param.shift), param.power))


def _raised(site: Site, base: float, exponent: float) -> float:
    """base ^ exponent; NaN for a fractional power of a negative number, infinity beyond range."""
    try:
        value = math.pow(base, exponent)
    except ValueError:
        value = math.nan
        if base == 0:
            value = math.inf
    except OverflowError:
        value = math.inf
    return value


def _power(base: str, exponent: float) -> str:
    if exponent == 1:
        return base
    inner = base if base.isidentifier() else f"({base})"
    return f"{inner} ** {number(exponent)}"


def affine(x: str, scale: float, shift: float) -> str:
    """shift + scale * x, without what changes nothing."""
    scaled = x if scale == 1 else f"{number(scale)} * {x}"
    return scaled if shift == 0 else f"{number(shift)} + {scaled}"


@emits(Exp)
def exp(site: Site) -> Code:
    param, (x,) = site.param.exp_param, site.x
    inner = affine(x, param.scale, param.shift)
    if param.base == -1:
        return Code(f"torch.exp({inner})")
    return Code(f"{number(param.base)} ** ({inner})")


@emits(Log)
def log(site: Site) -> Code:
    param, (x,) = site.param.log_param, site.x
    made = f"torch.log({affine(x, param.scale, param.shift)})"
    return Code(made if param.base == -1 else f"{made} / {number(math.log(param.base))}")
