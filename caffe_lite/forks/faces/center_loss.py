"""CenterLoss: the distance of items from the learned centre of their class."""

from caffe_lite.forks.faces._rows import rows_of
from caffe_lite.layers._loss import LossLayer
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs, Flags


@register("CenterLoss")
class CenterLoss(LossLayer):
    """Half the squared distance of each item from the centre of its class:
    loss = sum |x - c[label]|^2 / (2 N); with `distance_type: "L1"`, sum |x - c[label]|_1 / N.

    Centres follow their items: the gradient of c[j] is the sum of c[j] - x over the items of class
    j, divided by their number + 1, whatever the loss weight. Wen et al., A Discriminative Feature
    Learning Approach for Deep Face Recognition, ECCV 2016.

    bottom[0]  x      (N, ...)  K numbers from `axis` on
    bottom[1]  label  (N,)      integers 0 ... C-1; takes no gradient
    top[0]     loss   ()
    blobs[0]   c      (C, K)    C = `num_output`; filled by `center_filler`

    Differences from caffe-windows: it adds a centre's gradient once for each item of the class;
    here once, as caffe-face does.

    Source: ydwen/caffe-face, happynear/caffe-windows

    Example::

        layer { name: "center_loss" type: "CenterLoss" bottom: "fc5" bottom: "label" top: "loss"
                center_loss_param { num_output: 4 center_filler { type: "xavier" } }
                loss_weight: 0.008 }
    """

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.center_loss_param
        if not param.num_output:
            raise self.fail("needs num_output, the number of classes")
        if param.distance_type not in ("L1", "L2"):
            raise self.fail(f'distance_type must be "L1" or "L2", got "{param.distance_type}"')
        _, size = rows_of(self, bottom[0], param.axis)
        if not self.blobs:
            self.add_blob((param.num_output, size), param.center_filler)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        count, size = rows_of(self, bottom[0], self.param.center_loss_param.axis)
        self.require_labels(bottom[1], count)
        centers = self.blobs[0].shape
        if size != centers[1]:
            raise self.fail(
                f"the centres have {centers[1]} numbers, the items of a bottom of shape "
                f"{bottom[0].shape} have {size}"
            )
        self._distance, self._work = (self.ops.empty((count, size)) for _ in range(2))
        self._ids = self.ops.empty((count,), "int32")
        self._sums, self._ones = self.ops.empty(centers), self.ops.empty((count, 1))
        self._counts = self.ops.empty((centers[0], 1))

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        label, distance = bottom[1].data.reshape(-1), self._distance
        self.check_labels(label, self.blobs[0].shape[0])
        self._ids[...] = label
        self.ops.take(self.blobs[0].data, self._ids, distance)
        self.xp.subtract(bottom[0].data.reshape(distance.shape), distance, out=distance)
        if self.param.center_loss_param.distance_type == "L1":
            self.xp.absolute(distance, out=self._work)
            top[0].data[...] = self._work.sum() / len(distance)
            self.xp.sign(distance, out=distance)
        else:
            self.xp.multiply(distance, distance, out=self._work)
            top[0].data[...] = self._work.sum() / (2 * len(distance))

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        self.refuse_label_gradient(propagate_down)
        xp, distance = self.xp, self._distance
        if self.needs_param_diff(0):
            self._sums[...], self._counts[...], self._ones[...] = 0, 1, 1
            self.ops.scatter_add(self._sums, self._ids, distance)
            self.ops.scatter_add(self._counts, self._ids, self._ones)
            self._sums /= self._counts
            self.blobs[0].diff[...] -= self._sums
        if propagate_down[0]:
            dx = bottom[0].diff.reshape(distance.shape)
            xp.multiply(distance, top[0].diff / len(distance), out=dx)
