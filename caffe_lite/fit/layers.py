"""A builder of nets, layer by layer: the templates are written with it."""

from __future__ import annotations

from caffe_lite.proto import schema
from caffe_lite.types import LayerParameter, NetParameter


class Layers:
    """Adds layers to `net`; each method returns the name of the top that it makes."""

    def __init__(self, name: str) -> None:
        self.net: NetParameter = schema.NetParameter(name=name)

    def add(self, kind: str, name: str, *bottoms: str, top: str = "") -> LayerParameter:
        """Add a layer of the type `kind`; its top has its name unless another is given."""
        layer = self.net.layer.add(name=name, type=kind, bottom=bottoms)
        layer.top.append(top or name)
        return layer

    def conv(
        self,
        name: str,
        bottom: str,
        count: int,
        kernel: int,
        stride: int = 1,
        pad: int = 0,
        group: int = 1,
        bias: bool = True,
        filler: str = "msra",
    ) -> str:
        """A convolution; the bias learns twice as fast and does not decay, as in Caffe's nets."""
        layer = self.add("Convolution", name, bottom)
        conv = layer.convolution_param
        conv.num_output = count
        conv.kernel_size.append(kernel)
        if stride > 1:
            conv.stride.append(stride)
        if pad:
            conv.pad.append(pad)
        if group > 1:
            conv.group = group
        conv.weight_filler.type = filler
        if not bias:
            conv.bias_term = False
        _rates(layer, bias)
        return name

    def full(self, name: str, bottom: str, count: int, filler: str = "xavier") -> str:
        """A fully connected layer."""
        layer = self.add("InnerProduct", name, bottom)
        layer.inner_product_param.num_output = count
        layer.inner_product_param.weight_filler.type = filler
        _rates(layer, True)
        return name

    def relu(self, bottom: str) -> str:
        """A ReLU in place."""
        self.add("ReLU", f"relu_{bottom}", bottom, top=bottom)
        return bottom

    def pool(
        self, name: str, bottom: str, kernel: int, stride: int, how: str = "MAX", pad: int = 0
    ) -> str:
        pool = self.add("Pooling", name, bottom).pooling_param
        pool.pool = pool.PoolMethod.Value(how)
        pool.kernel_size, pool.stride = kernel, stride
        if pad:
            pool.pad = pad
        return name

    def average(self, name: str, bottom: str) -> str:
        """The mean over the whole image."""
        pool = self.add("Pooling", name, bottom).pooling_param
        pool.pool, pool.global_pooling = pool.AVE, True
        return name

    def norm(self, bottom: str) -> str:
        """Batch normalization in place, with a scale and a shift."""
        layer = self.add("BatchNorm", f"bn_{bottom}", bottom, top=bottom)
        layer.batch_norm_param.SetInParent()
        scale = self.add("Scale", f"scale_{bottom}", bottom, top=bottom)
        scale.scale_param.bias_term = True
        return bottom

    def lrn(self, name: str, bottom: str) -> str:
        lrn = self.add("LRN", name, bottom).lrn_param
        lrn.local_size, lrn.alpha, lrn.beta = 5, 1e-4, 0.75
        return name

    def dropout(self, bottom: str, ratio: float = 0.5) -> str:
        """Dropout in place."""
        layer = self.add("Dropout", f"drop_{bottom}", bottom, top=bottom)
        layer.dropout_param.dropout_ratio = ratio
        return bottom


def _rates(layer: LayerParameter, bias: bool) -> None:
    layer.param.add(lr_mult=1, decay_mult=1)
    if bias:
        layer.param.add(lr_mult=2, decay_mult=0)
