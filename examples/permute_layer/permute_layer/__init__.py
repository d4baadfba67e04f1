"""Permute, the layer of the SSD branch of Caffe that reorders the axes of a blob."""

from collections.abc import Sequence

from caffe_lite import Blob, Layer, register

FIELDS = """
  // The bottom's axis for each axis of the top; axes that are left out follow in their order.
  repeated uint32 order = 1;
"""


@register("Permute", fields=FIELDS)
class Permute(Layer):
    """Reordered axes: y[i_order[0], i_order[1], ...] = x[i_0, i_1, ...].

    bottom[0]  x  (d_0, ..., d_n)
    top[0]     y  (d_order[0], ..., d_order[n])

    Example::

        layer { name: "perm" type: "Permute" bottom: "data" top: "perm"
                permute_param { order: 0 order: 2 order: 3 order: 1 } }
    """

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        axes = len(bottom[0].shape)
        order = list(self.param.permute_param.order)
        if len(set(order)) != len(order) or any(axis >= axes for axis in order):
            raise self.fail(
                f"order must name axes of the bottom, 0 to {axes - 1}, each once; got {order}"
            )
        self.order = order + [axis for axis in range(axes) if axis not in order]
        self.inverse = sorted(range(axes), key=self.order.__getitem__)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        top[0].reshape(*(bottom[0].shape[axis] for axis in self.order))

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        top[0].data[...] = bottom[0].data.transpose(self.order)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        if propagate_down[0]:
            bottom[0].diff[...] = top[0].diff.transpose(self.inverse)
