"""What losses share: two bottoms, a scalar top, ignored labels, normalization."""

from typing import ClassVar

from caffe_lite.blob import Blob
from caffe_lite.layers.base import Layer
from caffe_lite.proto import schema
from caffe_lite.types import Array, Blobs, Flags

LOG_THRESHOLD = 1e-20  # smaller probabilities are raised to this before taking a logarithm


class LossLayer(Layer):
    """Base of losses over predictions (bottom[0]) and labels (bottom[1]); the top is a scalar.

    `top[0].diff` holds the loss weight; backward multiplies by it.
    """

    bottoms = (2, 2)
    tops = (1, 1)
    no_gradient: ClassVar[tuple[int, ...]] = (1,)
    is_loss = True
    auto_tops = True

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        first = [blob.shape[:1] for blob in bottom[:2]]
        if not first[0] or first[0] != first[1]:
            raise self.fail_shape(
                1,
                (*first[0], *bottom[1].shape[1:]),
                "predictions (bottom[0]) and labels (bottom[1]) must have the same first "
                f"dimension, got shapes {bottom[0].shape} and {bottom[1].shape}",
            )
        top[0].reshape()

    def require_labels(self, label: Blob, count: int) -> None:
        """Fail unless there are `count` labels."""
        if label.count != count:
            raise self.fail_shape(
                1,
                (count,),
                f"needs one label per item ({count}), got {label.count} (shape {label.shape})",
            )

    def check_labels(self, label: Array, classes: int, ignore: int | None = None) -> None:
        """Fail if a label is neither in 0 ... classes - 1 nor `ignore`."""
        others = "" if ignore is None else f" or ignore_label ({ignore})"
        rule = (
            f"labels must be integers from 0 to {classes - 1} (there are {classes} classes){others}"
        )
        self._require_whole(label, classes, rule, ignore)

    def refuse_label_gradient(self, propagate_down: Flags) -> None:
        """Fail if a gradient is asked for a bottom that can take none."""
        for i in self.no_gradient:
            if i < len(propagate_down) and propagate_down[i]:
                raise self.fail(
                    f"cannot backpropagate to its labels (bottom[{i}]); set "
                    "propagate_down: false for them, or cut the branch that makes them"
                )


class NormalizedLossLayer(LossLayer):
    """A loss whose sum over labels is divided as `loss_param` says, never by less than 1.

        FULL        number of labels, ignored ones too
        VALID       number of labels that are not ignored (the default)
        BATCH_SIZE  outer: the product of the axes before the class axis
        NONE        1

    The older `normalize` means VALID when true and BATCH_SIZE when false; `normalization` wins.
    """

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.loss_param
        self._ignore_label: int | None = None
        if param.HasField("ignore_label"):
            self._ignore_label = param.ignore_label
        self._normalization = param.normalization
        if param.HasField("normalize") and not param.HasField("normalization"):
            modes = schema.LossParameter
            self._normalization = modes.VALID if param.normalize else modes.BATCH_SIZE

    def normalizer(self, outer: int, inner: int, valid: Array | None) -> Array | float:
        """What the loss is divided by.

        `valid` is the number of labels that count, a 0-d array; only the mode VALID needs it.
        """
        modes = schema.LossParameter
        if self._normalization == modes.VALID:
            labels: Array = self.xp.maximum(valid, 1)
            return labels
        if self._normalization == modes.FULL:
            return float(outer * inner)
        return float(outer) if self._normalization == modes.BATCH_SIZE else 1.0
