"""YoloSeg: the loss of maps of classes that may overlap."""

from caffe_lite.layers._loss import LossLayer
from caffe_lite.layers.registry import register
from caffe_lite.layers.sigmoid import sigmoid
from caffe_lite.types import Blobs, Flags


@register("YoloSeg")
class YoloSeg(LossLayer):
    """Squared error of maps of classes: loss = 1 / N sum of (w (sigmoid(x) - t))^2.

    w is `object_scale`; with the third bottom it is object_scale (2 - r) where t is above 0.5, r
    being the number of the class's pixels in the batch over that of the others.

    bottom[0]  x      (N, C, H, W)  scores
    bottom[1]  t      (N, C, H, W)  1 where the class is, else 0; takes no gradient
    bottom[2]  count  (N, C)        optional: the pixels of each class in each image; no gradient
    top[0]     loss   ()

    The gradient is YOLO's own: w (sigmoid(x) - t) / N.

    Differences from eric612's layer: it logs no measures. `num_class`, `class_scale`,
    `use_logic_gradient` and `use_hardsigmoid` have no effect, as there.

    Source: eric612/MobileNet-YOLO

    Example::

        layer { name: "seg" type: "YoloSeg" bottom: "x" bottom: "t" top: "seg"
                yolo_seg_param { object_scale: 0.5 } }
    """

    bottoms = (2, 3)
    no_gradient = (1, 2)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        shape = bottom[0].shape
        if len(shape) < 3 or bottom[1].count != bottom[0].count:
            raise self.fail_shape(
                1,
                shape,
                f"needs scores and targets (N, C, H, W), got shapes {shape} and {bottom[1].shape}",
            )
        for blob in bottom[2:]:
            if blob.count != shape[0] * shape[1]:
                raise self.fail_shape(
                    2,
                    shape[:2],
                    f"needs counts of shape {shape[:2]} in bottom[2], got {blob.shape}",
                )
        self._view = (*shape[:2], bottom[0].count // (shape[0] * shape[1]))
        self._error, self._weight = (self.ops.empty(self._view) for _ in range(2))

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        xp, error, scale = self.xp, self._error, self.param.yolo_seg_param.object_scale
        target = bottom[1].data.reshape(self._view)
        sigmoid(xp, bottom[0].data.reshape(self._view), error)
        error -= target
        error *= scale
        if len(bottom) > 2:
            counts = bottom[2].data.reshape(self._view[:2])
            ratio = counts.sum(axis=0) / (self._view[2] - counts).sum(axis=0)
            self._weight[...] = 1
            xp.copyto(self._weight, (2 - ratio)[:, None], where=target > 0.5)
            error *= self._weight
        xp.multiply(error, error, out=self._weight)
        top[0].data[...] = self._weight.sum() / self._view[0]

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        self.refuse_label_gradient(propagate_down)
        if propagate_down[0]:
            dx = bottom[0].diff.reshape(self._view)
            self.xp.multiply(self._error, top[0].diff / self._view[0], out=dx)
