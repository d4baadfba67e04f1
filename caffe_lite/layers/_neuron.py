"""Base of the activations: one function applied to every element."""

from collections.abc import Sequence
from typing import Any, ClassVar

from caffe_lite.blob import Blob
from caffe_lite.layers.base import Layer

Array = Any


class Neuron(Layer):
    """y = f(x) and dx = dy * f'(x), element by element; a subclass writes f and f'.

    bottom[0]  x  any shape
    top[0]     y  the shape of x; may be the bottom

    Backward reads y, and x where `reads_x` says so, from the blobs as they are by then. A layer
    that reads x keeps a copy of it when it works in place.
    """

    in_place = True
    reads_x: ClassVar[bool] = False

    def function(self, x: Array, y: Array) -> None:
        """y = f(x); y may be x."""
        raise NotImplementedError

    def derivative(self, x: Array, y: Array, slope: Array) -> None:
        """slope = f'(x), which may also be told from y = f(x); x is None unless `reads_x`."""
        raise NotImplementedError

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self._works_in_place = top[0] is bottom[0]
        self._x = Blob(self.ops)
        self._slope = Blob(self.ops)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self.require_elements(bottom)
        for blob in (top[0], self._x, self._slope):
            blob.reshape(*bottom[0].shape)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        x = bottom[0].data
        if self._works_in_place and self.reads_x:
            self._x.data[...] = x
        self.function(x, top[0].data)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        if not propagate_down[0]:
            return
        x = None
        if self.reads_x:
            x = self._x.data if self._works_in_place else bottom[0].data
        slope = self._slope.data if self._works_in_place else bottom[0].diff
        self.derivative(x, top[0].data, slope)
        self.xp.multiply(top[0].diff, slope, out=bottom[0].diff)
