"""Base of the activations: one function applied to every element."""

from typing import ClassVar

from caffe_lite.blob import Blob
from caffe_lite.layers.base import Layer
from caffe_lite.types import Array, Blobs, Flags


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
        """slope = f'(x), from x if `reads_x` is set, else from y = f(x); x is then y as well."""
        raise NotImplementedError

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self._works_in_place = top[0] is bottom[0]
        self._x = Blob(self.ops)
        self._slope = Blob(self.ops)

    def top_data_in_backward(self, in_place: bool) -> str:
        return "" if self.reads_x else "values"

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        for blob in (top[0], self._x, self._slope):
            blob.reshape(*bottom[0].shape)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        x = bottom[0].data
        if self._works_in_place and self.reads_x:
            self._x.data[...] = x
        self.function(x, top[0].data)

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        if not propagate_down[0]:
            return
        y = top[0].data
        x = y
        if self.reads_x:
            x = self._x.data if self._works_in_place else bottom[0].data
        slope = self._slope.data if self._works_in_place else bottom[0].diff
        self.derivative(x, y, slope)
        self.xp.multiply(top[0].diff, slope, out=bottom[0].diff)
