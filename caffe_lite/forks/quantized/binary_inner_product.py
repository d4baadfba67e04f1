"""BinaryInnerProduct: an inner product with the signs of its weights."""

from caffe_lite.forks.quantized._binary import binarize
from caffe_lite.layers.inner_product import InnerProduct
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs


@register("BinaryInnerProduct")
class BinaryInnerProduct(InnerProduct):
    """An inner product with weights 1 and -1, or those times the mean |W| of each output.

    `use_alpha` asks for the mean; with use_binarization: false this is InnerProduct. The gradient
    of the bottom is that of the binary weights, and the weights W take the gradient of the binary
    ones as it is. Cai et al., HWGQ-Net, CVPR 2017.

    bottom[0]  x  (*M, *K)  as of InnerProduct
    top[0]     y  (*M, O)
    blobs[0]   W  (O, K)    real numbers, of which the signs count
    blobs[1]   b  (O,)      absent with bias_term: false

    Differences from hwgq: `transpose` is refused, where it takes the mean of the wrong numbers.

    Source: zhaoweicai/hwgq

    Example::

        layer { name: "ip" type: "BinaryInnerProduct" bottom: "data" top: "ip"
                inner_product_param { num_output: 4 weight_filler { type: "msra" } }
                binary_inner_product_param { use_alpha: true } }
    """

    reads = ("inner_product_param", "binary_inner_product_param")

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        if self.param.inner_product_param.transpose:
            raise self.fail("does not take transpose: true")
        super().setup(bottom, top)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        self._binary = self.ops.empty(self.blobs[0].shape)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.binary_inner_product_param
        if param.use_binarization:
            binarize(self.xp, super().weights(), self._binary, param.use_alpha)
        super().forward(bottom, top)

    def weights(self) -> Array:
        binary = self.param.binary_inner_product_param.use_binarization
        return self._binary if binary else super().weights()

    def operation(self, bottom: Blobs, top: Blobs) -> None:
        """Its weights are made anew in each forward pass."""
