"""Products, sums, tables and indices."""

from caffe_lite.export.torch.registry import Code, Site, Slot, arguments, emits, number
from caffe_lite.layers.argmax import ArgMax
from caffe_lite.layers.dummy_data import DummyData
from caffe_lite.layers.eltwise import Eltwise
from caffe_lite.layers.embed import Embed
from caffe_lite.layers.inner_product import InnerProduct
from caffe_lite.layers.parameter import Parameter
from caffe_lite.layers.reduction import Reduction
from caffe_lite.proto import schema

EltwiseOp = schema.EltwiseParameter
ReductionOp = schema.ReductionParameter


@emits(InnerProduct)
def inner_product(site: Site) -> Code:
    param, (x,) = site.param.inner_product_param, site.x
    axis = site.axis(param.axis)
    flat = x if axis == len(site.shape) - 1 else f"{x}.flatten({axis})"
    inputs, outputs = site.blob(0) if param.transpose else site.blob(0)[::-1]
    weights = {"weight": Slot(0, axes=(1, 0) if param.transpose else ())}
    if param.bias_term:
        weights["bias"] = Slot(1)
    given = arguments(str(inputs), str(outputs), bias=None if param.bias_term else "False")
    return Code(f"{site.me}({flat})", f"nn.Linear({given})", weights)


@emits(Embed)
def embed(site: Site) -> Code:
    param = site.param.embed_param
    given = arguments(
        str(param.input_dim), str(param.num_output), bias=None if param.bias_term else "False"
    )
    weights = {"weight": Slot(0)} | ({"bias": Slot(1)} if param.bias_term else {})
    return Code(f"{site.me}({site.x[0]})", f"Embed({given})", weights)


@emits(Eltwise)
def eltwise(site: Site) -> Code:
    param = site.param.eltwise_param
    if param.operation == EltwiseOp.MAX:
        return Code(f"eltwise_max({', '.join(site.x)})")
    if param.operation == EltwiseOp.PROD:
        return Code(" * ".join(site.x))
    coeffs = list(param.coeff) or [1.0] * len(site.x)
    return Code(weighted_sum(list(site.x), coeffs))


def weighted_sum(xs: list[str], coeffs: list[float]) -> str:
    """a + 0.5 * b - c"""
    text = ""
    for x, coeff in zip(xs, coeffs, strict=True):
        size = abs(coeff)
        term = x if size == 1 else f"{number(size)} * {x}"
        if text:
            text += f" - {term}" if coeff < 0 else f" + {term}"
        else:
            text = f"-{term}" if coeff < 0 else term
    return text


@emits(Reduction)
def reduction(site: Site) -> Code:
    param, (x,) = site.param.reduction_param, site.x
    axis, ndim = site.axis(param.axis), len(site.shape)
    axes = str(tuple(range(axis, ndim)) if ndim - axis > 1 else axis)
    terms = {ReductionOp.ASUM: f"{x}.abs()", ReductionOp.SUMSQ: f"({x} * {x})"}
    method = "mean" if param.operation == ReductionOp.MEAN else "sum"
    made = f"{terms.get(param.operation, x)}.{method}({axes})"
    return Code(made if param.coeff == 1 else f"{number(param.coeff)} * {made}")


@emits(ArgMax)
def arg_max(site: Site) -> Code:
    param, (x,) = site.param.argmax_param, site.x
    k = param.top_k
    if param.HasField("axis"):
        axis = site.axis(param.axis)
        found = f"argmax({x}, {k}, {axis})"
        if param.out_max_val:
            return Code(f"{x}.detach().gather({axis}, {found})")
        return Code(f"{found}.to({x}.dtype)")
    flat = x if len(site.shape) == 2 else f"{x}.flatten(1)"
    found = f"argmax({flat}, {k}, 1)"
    ones = (1,) * (len(site.shape) - 3)
    rows = 2 if param.out_max_val else 1
    shape = ", ".join(map(str, (-1, rows, k, *ones)))
    if not param.out_max_val:
        return Code(f"{found}.to({x}.dtype).reshape({shape})")
    values = f"{flat}.detach().gather(1, {found})"
    return Code(f"torch.stack([{found}.to({x}.dtype), {values}], 1).reshape({shape})")


@emits(Parameter)
def parameter(site: Site) -> Code:
    return Code(site.me, f"nn.Parameter(torch.zeros{site.top_shapes[0]})", {"": Slot(0)})


@emits(DummyData)
def dummy_data(site: Site) -> Code:
    fillers = list(site.param.dummy_data_param.data_filler) or [schema.FillerParameter()]
    if any(filler.type != "constant" for filler in fillers):
        raise site.refuse("makes random numbers; give its top as an input with --shape")
    values = [number(each.value) for each in fillers] * len(site.top_shapes)
    made = [f"({shape}, {value})" for shape, value in zip(site.top_shapes, values, strict=False)]
    return Code(f"{site.me}()", f"Constants({', '.join(made)})")
