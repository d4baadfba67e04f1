"""What Bias and Scale share: a coefficient blob laid along some axes of another."""

from math import prod

from caffe_lite.blob import Blob
from caffe_lite.layers.base import Layer
from caffe_lite.types import AnyMessage, Blobs, Shape


class Affine(Layer):
    """Base of layers with a coefficient per element of the axes `axis` ... `axis + num_axes`.

    The coefficient is bottom[1], or else the first learned blob. Arithmetic sees x as
    (outer, K, inner), K the number of coefficients.
    """

    bottoms = (1, 2)
    in_place = True
    _view: tuple[int, int, int]  # (outer, K, inner); subclasses set it in reshape
    what: str  # what the coefficient is called in messages

    def coefficient_shape(self, shape: Shape, param: AnyMessage) -> Shape:
        """The shape of a learned coefficient for a bottom of this shape.

        `param` has `axis` and `num_axes`; num_axes -1 takes all axes to the end.
        """
        axis = self.canonical_axis(param.axis, len(shape))
        if param.num_axes < -1:
            raise self.fail(f"num_axes must be at least 0, or -1 for all, got {param.num_axes}")
        if param.num_axes == -1:
            return shape[axis:]
        if axis + param.num_axes > len(shape):
            raise self.fail(
                f"num_axes {param.num_axes} from axis {axis} on needs a bottom of at "
                f"least {axis + param.num_axes} axes, bottom[0] is {shape}"
            )
        return shape[axis : axis + param.num_axes]

    def per_channel(self, shape: Shape, coefficient: Blob) -> bool:
        """Whether a coefficient that `reshape` accepted goes along axis 1 of a bottom, alone."""
        outer, count, _ = self._view
        along = len(shape) > 1 and (outer, count) == shape[:2]
        return along and bool(coefficient.shape)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        top[0].reshape(*bottom[0].shape)

    def view_for(
        self,
        coefficient: Blob,
        shape: Shape,
        axis: int,
    ) -> tuple[int, int, int]:
        """(outer, K, inner) for a bottom of this shape; fails if the coefficient does not fit."""
        given = coefficient.shape
        # A scalar goes with every axis.
        start = self.canonical_axis(axis, len(shape)) if given else 0
        if shape[start : start + len(given)] != given:
            raise self.fail(
                f"the {self.what} of shape {given} must match bottom[0] {shape} from "
                f"axis {start} on"
            )
        return prod(shape[:start]), prod(given), prod(shape[start + len(given) :])
