"""Layers that work element by element: activations, powers, sums of blobs."""

import math

import numpy as np

from caffe_lite.export.onnx.builder import Tensor
from caffe_lite.export.onnx.registry import translates
from caffe_lite.export.onnx.site import Site
from caffe_lite.layers.absval import AbsVal
from caffe_lite.layers.bnll import BNLL
from caffe_lite.layers.clip import Clip
from caffe_lite.layers.dropout import Dropout
from caffe_lite.layers.eltwise import Eltwise
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
from caffe_lite.proto import schema

Operation = schema.EltwiseParameter


@translates(ReLU)
def relu(site: Site) -> list[Tensor]:
    slope = site.layer.param.relu_param.negative_slope
    if not slope:
        return [site.op("Relu", site.x[0])]
    return [site.op("LeakyRelu", site.x[0], alpha=slope)]


@translates(PReLU)
def prelu(site: Site) -> list[Tensor]:
    slope = site.values(0)
    after = len(site.shapes[0]) - 2
    shape = (-1, *(1,) * after) if slope.ndim else (1,) * len(site.shapes[0])
    return [site.op("PRelu", site.x[0], site.weight_as(0, slope.reshape(shape)))]


@translates(ELU)
def elu(site: Site) -> list[Tensor]:
    """max(x, 0) + alpha (exp(min(x, 0)) - 1), which holds for a negative alpha, too."""
    alpha = site.layer.param.elu_param.alpha
    if alpha > 0:
        return [site.op("Elu", site.x[0], alpha=alpha)]
    zero = site.graph.floats(0)
    negative = site.op("Exp", site.op("Min", site.x[0], zero))
    scaled = affine(site, site.op("Sub", negative, site.graph.floats(1)), alpha, 0)
    return [site.op("Add", site.op("Max", site.x[0], zero), scaled)]


@translates(AbsVal)
def absval(site: Site) -> list[Tensor]:
    return [site.op("Abs", site.x[0])]


@translates(BNLL)
def bnll(site: Site) -> list[Tensor]:
    """max(x, 0) + log(1 + exp(-|x|)), which cannot overflow."""
    tail = site.op("Softplus", site.op("Neg", site.op("Abs", site.x[0])))
    return [site.op("Add", site.op("Relu", site.x[0]), tail)]


@translates(Sigmoid)
def sigmoid(site: Site) -> list[Tensor]:
    return [site.op("Sigmoid", site.x[0])]


@translates(TanH)
def tanh(site: Site) -> list[Tensor]:
    return [site.op("Tanh", site.x[0])]


@translates(Swish)
def swish(site: Site) -> list[Tensor]:
    gate = affine(site, site.x[0], site.layer.param.swish_param.beta, 0)
    return [site.op("Mul", site.x[0], site.op("Sigmoid", gate))]


@translates(Clip)
def clip(site: Site) -> list[Tensor]:
    param, graph = site.layer.param.clip_param, site.graph
    return [site.op("Clip", site.x[0], graph.floats(param.min), graph.floats(param.max))]


@translates(Threshold)
def threshold(site: Site) -> list[Tensor]:
    bound = site.graph.floats(site.layer.param.threshold_param.threshold)
    return [site.graph.to_floats(site.op("Greater", site.x[0], bound))]


@translates(Dropout)
def dropout(site: Site) -> list[Tensor]:
    if site.layer.train and site.layer.param.dropout_param.dropout_ratio > 0:
        raise site.refuse("it drops at random, as its phase is TRAIN")
    return [site.x[0]]


@translates(Softmax)
def softmax(site: Site) -> list[Tensor]:
    axis = site.layer.param.softmax_param.axis
    return [site.op("Softmax", site.x[0], axis=axis)]


@translates(Power)
def power(site: Site) -> list[Tensor]:
    param = site.layer.param.power_param
    if param.power == 0 or param.scale == 0:
        value = np.float32(param.shift) ** np.float32(param.power)
        shape = site.op("Shape", site.x[0])
        zeros = site.op("ConstantOfShape", shape)
        return [site.op("Add", zeros, site.graph.floats(value))]
    y = affine(site, site.x[0], param.scale, param.shift)
    if param.power == 2:
        return [site.op("Mul", y, y)]
    if param.power == 0.5:
        return [site.op("Sqrt", y)]
    return [y if param.power == 1 else site.op("Pow", y, site.graph.floats(param.power))]


@translates(Exp)
def exp(site: Site) -> list[Tensor]:
    param = site.layer.param.exp_param
    log_base = 1.0 if param.base == -1 else math.log(param.base)
    y = site.op("Exp", affine(site, site.x[0], log_base * param.scale, 0))
    return [affine(site, y, math.exp(log_base * param.shift), 0)]


@translates(Log)
def log(site: Site) -> list[Tensor]:
    param = site.layer.param.log_param
    y = site.op("Log", affine(site, site.x[0], param.scale, param.shift))
    return [affine(site, y, 1 / (1.0 if param.base == -1 else math.log(param.base)), 0)]


@translates(Eltwise)
def eltwise(site: Site) -> list[Tensor]:
    param = site.layer.param.eltwise_param
    if param.operation == Operation.MAX:
        return [site.op("Max", *site.x)]
    coeff = list(param.coeff) or [1.0] * len(site.x)
    op = "Mul" if param.operation == Operation.PROD else "Add"
    terms = [affine(site, x, c, 0) for x, c in zip(site.x, coeff, strict=True)]
    total = terms[0]
    for term in terms[1:]:
        total = site.op(op, total, term)
    return [total]


def affine(site: Site, x: Tensor, scale: float, shift: float) -> Tensor:
    """scale * x + shift, without what changes nothing."""
    if scale != 1:
        x = site.op("Mul", x, site.graph.floats(scale))
    return site.op("Add", x, site.graph.floats(shift)) if shift else x
