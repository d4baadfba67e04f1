"""Scale whose factor is kept within limits."""

from caffe_lite.layers.registry import register
from caffe_lite.layers.scale import Scale
from caffe_lite.types import Blobs


@register("Scale", when=["scale_param.min_value", "scale_param.max_value"])
class LimitedScale(Scale):
    """Product with a factor that every forward pass cuts to [min_value, max_value]: y = x * a + b.

    bottom[0]  x  any shape
    bottom[1]  a  the sizes of x from `axis` on, as many axes as it has; optional
    top[0]     y  the shape of x; may be bottom[0]
    blobs[0]   a  `num_axes` sizes of x from `axis` on (-1: all), 1 without a filler; absent with a
                  second bottom
    last blob  b  the shape of a; with bias_term: true

    The factor itself is overwritten, also where it is a bottom, as in the fork.

    Source: happynear/caffe-windows

    Example::

        layer { name: "scale" type: "Scale" bottom: "x" top: "y"
                scale_param { num_axes: 0 min_value: 10 filler { value: 30 } } }
    """

    type = "Scale"
    reads = ("scale_param",)
    extensions = ("scale_param.min_value", "scale_param.max_value")

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        super().setup(bottom, top)
        param = self.param.scale_param
        self._least = param.min_value if param.HasField("min_value") else None
        self._most = param.max_value if param.HasField("max_value") else None

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        scale = self._scale(bottom).data
        self.xp.clip(scale, self._least, self._most, out=scale)
        super().forward(bottom, top)
