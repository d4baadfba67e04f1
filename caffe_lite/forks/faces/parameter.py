"""Parameter with starting values of its own."""

from caffe_lite.layers import parameter
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs


@register("Parameter", when=["parameter_param.blob_filler"])
class FilledParameter(parameter.Parameter):
    """A learned blob for other layers to use, filled by `blob_filler`: top = blobs[0].

    top[0]    the blob  parameter_param.shape
    blobs[0]  the blob  parameter_param.shape

    Source: happynear/caffe-windows

    Example::

        layer { name: "centers" type: "Parameter" top: "centers"
                parameter_param { shape { dim: 3 dim: 4 }
                                  blob_filler { type: "gaussian_unitball" } } }
    """

    type = "Parameter"
    reads = ("parameter_param",)
    extensions = ("parameter_param.blob_filler",)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.parameter_param
        if not self.blobs:
            self.add_blob(tuple(param.shape.dim), param.blob_filler)
