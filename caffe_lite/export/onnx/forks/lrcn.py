"""LRCN's sum with a coefficient for each item."""

from caffe_lite.export.onnx.builder import Tensor
from caffe_lite.export.onnx.layers.elementwise import affine, eltwise
from caffe_lite.export.onnx.registry import translates
from caffe_lite.export.onnx.site import Site
from caffe_lite.forks.lrcn.eltwise import EltwiseWithCoefficients


@translates(EltwiseWithCoefficients)
def eltwise_with_coefficients(site: Site) -> list[Tensor]:
    param, graph = site.layer.param.eltwise_param, site.graph
    if not param.coeff_blob:
        return eltwise(site)
    xs = site.x[:-1]
    ones = [1] * (len(site.shapes[0]) - 1)
    factors = site.as_shape(site.x[-1], [len(xs), site.size(0), *ones])
    coeff = list(param.coeff) or [1.0] * len(xs)
    terms = []
    for i, (x, c) in enumerate(zip(xs, coeff, strict=True)):
        own = graph.squeeze(graph.slice(factors, [i], [i + 1], [0]), [0])
        terms.append(affine(site, site.op("Mul", x, own), c, 0))
    total = terms[0]
    for term in terms[1:]:
        total = site.op("Add", total, term)
    return [total]
