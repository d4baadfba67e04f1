"""LabelsequenceAccuracy: the part of sequences whose labels are all right, on the host."""

import numpy as np

from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs


@register("LabelsequenceAccuracy")
class LabelsequenceAccuracy(Layer):
    """The part of sequences whose best classes, read as CtcLoss reads them, are the labels.

    bottom[0]  scores    (N, T, C)
    bottom[1]  labels    (N, L)  those equal to `blank_label` are left out
    top[0]     accuracy  ()      no gradient

    Runs on the host.

    Source: xmfbit/warpctc-caffe

    Example::

        layer { name: "accuracy" type: "LabelsequenceAccuracy" bottom: "scores" bottom: "label"
                top: "accuracy" labelsequence_accuracy_param { blank_label: 0 } }
    """

    bottoms = (2, 2)
    is_metric = True
    host_side = True

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        scores, labels = (blob.shape for blob in bottom)
        if len(scores) != 3 or labels[:1] != scores[:1]:
            raise self.fail(
                f"needs scores (N, T, C) and labels (N, L), got shapes {scores} and {labels}"
            )
        top[0].reshape()

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        best = self.ops.to_host(bottom[0].data).argmax(axis=2)
        labels = self.ops.to_host(bottom[1].data).reshape(len(best), -1)
        blank = self.param.labelsequence_accuracy_param.blank_label
        right = [
            np.array_equal(_spelled(row, blank), given[given != blank])
            for row, given in zip(best, labels, strict=True)
        ]
        top[0].data[...] = np.mean(right)


def _spelled(steps: Array, blank: int) -> Array:
    """The labels (K,) of the classes (T,) of all steps."""
    new = np.ones(len(steps), bool)
    new[1:] = steps[1:] != steps[:-1]
    return steps[new & (steps != blank)]
