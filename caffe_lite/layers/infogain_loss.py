"""Cross-entropy of a softmax, weighted by a matrix."""

from math import isqrt

from caffe_lite.blob import Blob
from caffe_lite.errors import CaffeError
from caffe_lite.layers._classes import class_view
from caffe_lite.layers._loss import LOG_THRESHOLD, NormalizedLossLayer
from caffe_lite.layers.registry import register
from caffe_lite.proto import binary, schema
from caffe_lite.types import Array, Blobs, Flags


@register("InfogainLoss")
class InfogainLoss(NormalizedLossLayer):
    """Cross-entropy weighted by a matrix H: -sum over k of H[label, k] * log(p[k]) / normalizer.

    p is the softmax of the scores, at least 1e-20. With H the identity this is SoftmaxWithLoss.

    bottom[0]  x      (..., K, ...)  scores, K classes on `axis`
    bottom[1]  label  the other axes of x, as many elements; integers 0 ... K-1, or
                      `ignore_label`; takes no gradient
    bottom[2]  H      K * K elements, row = label; takes no gradient; else `source` names a
                      BlobProto file
    top[0]     loss   ()
    top[1]     p      the shape of x; optional

    Backward: dx[k] = dloss / normalizer * (p[k] * sum over j of H[label, j] - H[label, k]), 0 for
    ignored labels. Kept from forward: p and the rows of H.

    The normalizer is by default the number of labels that are not ignored (VALID).

    Caffe: src/caffe/layers/infogain_loss_layer.cpp

    Example::

        layer { name: "loss" type: "InfogainLoss" bottom: "x" bottom: "label" bottom: "H"
                top: "loss" infogain_loss_param { axis: 1 } }
    """

    reads = ("infogain_loss_param", "loss_param")
    bottoms = (2, 3)
    tops = (1, 2)
    tops_without_gradient = (1,)
    no_gradient = (1, 2)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        super().setup(bottom, top)
        if self.param.loss_param.HasField("normalize"):
            raise self.fail("takes loss_param { normalization: ... }, not the older normalize")
        self._prob = Blob(self.ops)
        if len(bottom) < 3:
            self._source = self._read_source()

    def _read_source(self) -> Array:
        source = self.param.infogain_loss_param.source
        if not source:
            raise self.fail(
                "needs the matrix H as a third bottom, or infogain_loss_param { "
                "source: ... } naming a BlobProto file"
            )
        try:
            proto = binary.read(source, schema.BlobProto)
        except (CaffeError, OSError) as error:
            raise self.fail(f"cannot read H from source: {error}") from error
        values = self.ops.asarray(list(proto.data) or list(proto.double_data))
        size = isqrt(values.size)
        if size * size != values.size:
            raise self.fail(f"H must be square, {source} holds {values.size} elements")
        return values.reshape(size, size)

    def top_data_in_backward(self, in_place: bool) -> str:
        return "values"

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        shape = bottom[0].shape
        self._view = class_view(self, bottom[0], bottom[1], self.param.infogain_loss_param.axis)
        outer, classes, inner = self._view
        given = bottom[2].count if len(bottom) > 2 else self._source.size
        if given != classes * classes:
            raise self.fail(
                f"H must have {classes} x {classes} elements for {classes} classes, got {given}"
            )
        self._label_view = (outer, inner)
        self._prob.reshape(*shape)
        self._ids = self.ops.empty((outer * inner,), "int32")
        self._rows = self.ops.empty((outer * inner, classes))
        self._work = self.ops.empty(self._view)
        self._counted = self.ops.empty(self._label_view, bool)
        if len(top) > 1:
            top[1].reshape(*shape)
            top[1].share_data(self._prob)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        xp, work, prob = self.xp, self._work, self._prob.data.reshape(self._view)
        label = bottom[1].data.reshape(self._label_view)
        self.check_labels(label, self._view[1], self._ignore_label)
        self.ops.softmax(bottom[0].data.reshape(self._view), prob)
        self._take_rows(bottom, label)
        xp.maximum(prob, LOG_THRESHOLD, out=work)
        xp.log(work, out=work)
        work *= self._weights()
        self._divisor = self.normalizer(*self._label_view, self._counted.sum(dtype=self.ops.dtype))
        top[0].data[...] = -work.sum() / self._divisor

    def _take_rows(self, bottom: Blobs, label: Array) -> None:
        """Rows of H for every label, zeros for ignored ones."""
        matrix = bottom[2].data if len(bottom) > 2 else self._source
        classes = self._view[1]
        kept = self.xp.trunc(label)
        if self._ignore_label is None:
            self._counted[...] = True
        else:
            self.xp.not_equal(kept, self._ignore_label, out=self._counted)
            self.xp.copyto(kept, 0, where=~self._counted)
        self._ids[...] = kept.reshape(-1)
        self.ops.take(matrix.reshape(classes, classes), self._ids, self._rows)
        self._rows *= self._counted.reshape(-1, 1)

    def _weights(self) -> Array:
        """H[label, k] as (outer, K, inner)."""
        outer, classes, inner = self._view
        return self._rows.reshape(outer, inner, classes).swapaxes(1, 2)

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        self.refuse_label_gradient(propagate_down)
        if not propagate_down[0]:
            return
        # The derivative of -sum of H log(softmax): p * (sum of H over k) - H
        dx = bottom[0].diff.reshape(self._view)
        total = self._rows.sum(axis=1).reshape(self._view[0], 1, self._view[2])
        self.xp.multiply(self._prob.data.reshape(self._view), total, out=dx)
        dx -= self._weights()
        dx *= top[0].diff / self._divisor
