"""Power of an affine function."""

from caffe_lite.backend.operations import Affine, Operation
from caffe_lite.layers._neuron import Neuron
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs


@register("Power")
class Power(Neuron):
    """Power of an affine function: y = (shift + scale * x) ^ power.

    bottom[0]  x  any shape; a fractional power of a negative number is NaN
    top[0]     y  the shape of x; may be the bottom

    Backward: dx = dy * power * scale * (shift + scale * x)^(power - 1). Kept from forward: nothing;
    a copy of x in place.

    With power 0 or scale 0 the top is constant and the gradient 0.

    Caffe: src/caffe/layers/power_layer.cpp

    Differences from Caffe: the gradient is right in place, where Caffe takes y for x, and with
    power 1 forgets dy; and it is finite where shift + scale * x is 0 and power at least 1, where
    Caffe divides 0 by 0.

    Example::

        layer { name: "power" type: "Power" bottom: "x" top: "y"
                power_param { power: 3 scale: 0.5 shift: 2 } }
    """

    keeps_layout = True

    reads_x = True

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        super().setup(bottom, top)
        param = self.param.power_param
        self._power, self._scale, self._shift = param.power, param.scale, param.shift

    def function(self, x: Array, y: Array) -> None:
        if self._power == 0 or self._scale == 0:
            # Filled first: NaN * 0 would not be 0.
            y[...] = self._shift
            self._raise(y, self._power)
            return
        self._affine(x, y)
        self._raise(y, self._power)

    def operation(self, bottom: Blobs, top: Blobs) -> Operation | None:
        shape = bottom[0].shape
        if self._power != 1 or len(shape) < 2:
            return None
        scale, shift = (self.ops.zeros((shape[1],)) + v for v in (self._scale, self._shift))
        return Affine(scale, shift)

    def derivative(self, x: Array, y: Array, slope: Array) -> None:
        factor = self._power * self._scale
        if factor == 0 or self._power == 1:
            slope[...] = factor
            return
        self._affine(x, slope)
        self._raise(slope, self._power - 1)
        slope *= factor

    def _affine(self, x: Array, out: Array) -> None:
        self.xp.multiply(x, self._scale, out=out)
        if self._shift:
            out += self._shift

    def _raise(self, array: Array, power: float) -> None:
        """array = array ^ power in place, by way of the cheaper function where there is one."""
        xp = self.xp
        if power == 2:
            xp.multiply(array, array, out=array)
        elif power == 0.5:
            xp.sqrt(array, out=array)
        elif power != 1:
            xp.power(array, power, out=array)
