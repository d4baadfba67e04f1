"""SegAccuracy: how well a segmentation agrees with its labels."""

from caffe_lite.layers._classes import class_view
from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs, Flags, State


@register("SegAccuracy")
class SegAccuracy(Layer):
    """Three measures of agreement between the classes with the largest scores and the labels.

        accuracy      the share of pixels that are right
        mean recall   the mean over classes that occur of the share of their pixels that are right
        mean overlap  the mean over classes of intersection / union of predicted and true pixels; 1
                      for a class that is in neither

    bottom[0]  x         (N, C, ...)  scores of C classes
    bottom[1]  label     one integer 0 ... C-1 for each place, or an `ignore_label`
    top[0]     measures  (1, 1, 1, 3)

    Pixels with one of the `ignore_label` do not count. With `reset: false` all pixels since the
    start count, else those of the batch. `metric` is a hint without effect. No gradient.

    Source: hszhao/PSPNet, cdmh/deeplab-public-ver2

    Example::

        layer { name: "accuracy" type: "SegAccuracy" bottom: "scores" bottom: "label"
                top: "accuracy" seg_accuracy_param { ignore_label: 255 } }
    """

    bottoms = (2, 2)
    no_gradient = (0, 1)
    is_metric = True

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self._ignored = list(self.param.seg_accuracy_param.ignore_label)
        # The number of pixels of each pair (label, prediction), label by label.
        classes = bottom[0].shape[1] if len(bottom[0].shape) > 1 else 0
        self._pairs = self.ops.zeros((classes * classes, 1))

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        outer, classes, inner = class_view(self, bottom[0], bottom[1], 1)
        if len(self._pairs) != classes**2:
            raise self.fail(f"bottom[0] has {classes} classes, an earlier batch had another number")
        top[0].reshape(1, 1, 1, 3)
        self._view, self._classes = (outer, classes, inner), classes
        self._labels = self.ops.empty((outer, inner))
        self._dropped, self._match = (self.ops.empty((outer, inner), bool) for _ in range(2))
        self._best = self.ops.empty((outer, inner), "int64")
        self._ids = self.ops.empty((outer * inner,), "int32")
        self._ones = self.ops.empty((outer * inner, 1))
        self._ones[...] = 1

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        xp, pairs, classes = self.xp, self._pairs, self._classes
        if self.param.seg_accuracy_param.reset:
            pairs[...] = 0
        self._count(bottom[0].data.reshape(self._view), bottom[1].data)
        table = pairs.reshape(classes, classes)
        right = table.diagonal()
        labelled, predicted = table.sum(axis=1), table.sum(axis=0)
        union = labelled + predicted - right
        occurs = labelled > 0
        measures = top[0].data.reshape(-1)
        measures[0] = right.sum() / xp.maximum(table.sum(), 1)
        recall = xp.where(occurs, right / xp.maximum(labelled, 1), 0)
        measures[1] = recall.sum() / xp.maximum(occurs.sum(), 1)
        measures[2] = xp.where(union > 0, right / xp.maximum(union, 1), 1).mean()

    def _count(self, scores: Array, label: Array) -> None:
        """Add the pixels of a batch to the table of pairs."""
        xp, labels, dropped, classes = self.xp, self._labels, self._dropped, self._classes
        labels[...] = label.reshape(labels.shape)
        dropped[...] = False
        for value in self._ignored:
            xp.equal(labels, value, out=self._match)
            dropped |= self._match
        xp.logical_not(dropped, out=self._match)
        labels *= self._match
        others = f", or {' or '.join(map(str, self._ignored))}" if self._ignored else ""
        self._require_whole(
            labels, classes, f"labels must be integers from 0 to {classes - 1}{others}"
        )
        xp.argmax(scores, axis=1, out=self._best)
        labels *= classes
        labels += self._best
        # Pixels that do not count get -1, which is outside the table.
        labels += 1
        labels *= self._match
        labels -= 1
        self._ids[...] = labels.reshape(-1)
        self.ops.scatter_add(self._pairs, self._ids, self._ones)

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        self._zero_gradient(propagate_down, bottom)

    def get_state(self) -> State:
        return {**super().get_state(), "pairs": self.ops.to_host(self._pairs).tolist()}

    def set_state(self, state: State) -> None:
        super().set_state(state)
        if "pairs" in state:
            self._pairs[...] = self.ops.asarray(state["pairs"])
