"""Accum: images of several sizes, enlarged and put one behind the other."""

from caffe_lite.forks.flownet._filters import apply, corner_aligned
from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs, Flags, Shape


@register("Accum")
class Accum(Layer):
    """The bottoms in one size, by linear interpolation, one behind the other.

    The first and last pixels keep their places.

    bottom[i]  x_i        (N, C_i, H_i, W_i)
    bottom[-1] reference  (..., H, W)            with have_reference: its values are not read
    top[0]     y          (N, sum of C_i, H, W)

    Without a reference the size is the largest of all bottoms, or that of `top_height` and
    `top_width`, or of `size_divisible_by`, if it is larger in both directions.

    Source: lmb-freiburg/flownet2

    Example::

        layer { name: "all" type: "Accum" bottom: "coarse" bottom: "fine" top: "all" }
    """

    spatial = True
    bottoms = (1, None)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        if self.param.accum_param.have_reference and len(bottom) < 2:
            raise self.fail("have_reference needs at least two bottoms, got one")

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        shapes = [blob.shape for blob in bottom]
        if any(len(shape) != 4 for shape in shapes):
            raise self.fail(f"needs bottoms of 4 axes (N, C, H, W), got {shapes}")
        self._sources = shapes[:-1] if self.param.accum_param.have_reference else shapes
        if len({shape[0] for shape in self._sources}) > 1:
            raise self.fail(f"all bottoms must have one number of images, got {shapes}")
        size = self._size(shapes)
        channels = sum(shape[1] for shape in self._sources)
        top[0].reshape(shapes[0][0], channels, *size)
        self._matrices = []
        self._works, self._grad_works = [], []
        for shape in self._sources:
            made = [corner_aligned(*each) for each in zip(shape[2:], size, strict=True)]
            self._matrices.append((self.ops.asarray(made[0]), self.ops.asarray(made[1])))
            self._works.append(self.ops.empty((*shape[:2], size[0], shape[3])))
            self._grad_works.append(self.ops.empty((*shape[:2], shape[2], size[1])))

    def _size(self, shapes: list[Shape]) -> Shape:
        param = self.param.accum_param
        if param.have_reference:
            return shapes[-1][2:]
        largest = max(shape[2] for shape in shapes), max(shape[3] for shape in shapes)
        given = (param.top_height, param.top_width)
        if param.size_divisible_by:
            step = param.size_divisible_by
            given = tuple(-(-side // step) * step for side in largest)
        return given if all(g > s for g, s in zip(given, largest, strict=True)) else largest

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        start = 0
        for i, shape in enumerate(self._sources):
            y = top[0].data[:, start : start + shape[1]]
            apply(self.xp, *self._matrices[i], bottom[i].data, y, self._works[i])
            start += shape[1]

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        start = 0
        for i, shape in enumerate(self._sources):
            if propagate_down[i]:
                rows, columns = self._matrices[i]
                dy = top[0].diff[:, start : start + shape[1]]
                apply(self.xp, rows.T, columns.T, dy, bottom[i].diff, self._grad_works[i])
            start += shape[1]
        if len(bottom) > len(self._sources) and propagate_down[-1]:
            bottom[-1].diff[...] = 0
