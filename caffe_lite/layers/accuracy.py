"""Accuracy: how often the true class is among the best."""

from caffe_lite.layers._classes import class_view
from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs, Flags


@register("Accuracy")
class Accuracy(Layer):
    """The share of labels whose class scores among the `top_k` best; 0 if all are ignored.

    A class counts as better if it scores at least as much as the true one: ties are misses.

    bottom[0]  x          (outer axes, C, inner axes)  scores; `axis` is that of C
    bottom[1]  label      outer * inner elements       integers 0 ... C-1, or `ignore_label`
    top[0]     accuracy   ()                           0 ... 1
    top[1]     per class  (C,)                         optional: 0 for a class without labels

    There is no backward pass: a gradient that is asked for is zero.

    Caffe: src/caffe/layers/accuracy_layer.cpp

    Example::

        layer { name: "accuracy" type: "Accuracy" bottom: "scores" bottom: "label" top: "accuracy"
                accuracy_param { top_k: 2 } }
    """

    bottoms = (2, 2)
    tops = (1, 2)
    no_gradient = (0, 1)
    is_metric = True

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.accuracy_param
        self._top_k = param.top_k
        self._ignore_label = param.ignore_label if param.HasField("ignore_label") else None

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        view = class_view(self, bottom[0], bottom[1], self.param.accuracy_param.axis)
        outer, self._classes, inner = view
        if not 1 <= self._top_k <= self._classes:
            raise self.fail(
                f"top_k must be from 1 to the number of classes ({self._classes}), got "
                f"{self._top_k}"
            )
        self._view, self._label_view = view, (outer, 1, inner)
        self._index = self.ops.empty(self._label_view, "int64")
        self._better = self.ops.empty(self._view, bool)
        self._counted = self.ops.empty(self._label_view, bool)
        top[0].reshape()
        if len(top) > 1:
            top[1].reshape(self._classes)
            self._per_class = self.ops.empty((2, self._classes, 1))
            self._ids = self.ops.empty((outer * inner,), "int32")

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        xp = self.xp
        label = bottom[1].data.reshape(self._label_view)
        rule = (
            f"labels must be integers from 0 to {self._classes - 1} (there are {self._classes} "
            "classes) or ignore_label"
        )
        self._require_whole(label.reshape(-1), self._classes, rule, self._ignore_label)
        self._index[...] = label
        if self._ignore_label is None:
            self._counted[...] = True
        else:
            xp.not_equal(self._index, self._ignore_label, out=self._counted)
        xp.clip(self._index, 0, self._classes - 1, out=self._index)
        x = bottom[0].data.reshape(self._view)
        xp.greater_equal(x, xp.take_along_axis(x, self._index, axis=1), out=self._better)
        right = (self._better.sum(axis=1, keepdims=True) <= self._top_k) & self._counted
        top[0].data[...] = right.sum() / xp.maximum(self._counted.sum(), 1)
        if len(top) > 1:
            self._count_per_class(right, top[1].data)

    def _count_per_class(self, right: object, out: object) -> None:
        hits, total = self._per_class
        self._per_class[...] = 0
        self._ids[...] = self._index.reshape(-1)
        for counts, flags in ((hits, right), (total, self._counted)):
            rows = self.ops.asarray(flags).reshape(-1, 1)
            self.ops.scatter_add(counts, self._ids, rows)
        self.xp.maximum(total, 1, out=total)
        self.xp.divide(hits[:, 0], total[:, 0], out=out)

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        self._zero_gradient(propagate_down, bottom)
