"""CTCGreedyDecoder: the labels of the best class of each step, on the host."""

import numpy as np

from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs


@register("CTCGreedyDecoder", aliases=["CtcGreedyDecoder"])
class CTCGreedyDecoder(Layer):
    """The best class of each step, without blanks, and equal ones that follow each other as one.

    bottom[0]  scores  (T, N, C)
    bottom[1]  cont    (T, N)        optional: a sequence ends before the first 0 behind its start
    top[0]     labels  (N, T, 1, 1)  then -1 up to T; no gradient

    The blank is `blank_index`, or the last class. `ctc_merge_repeated: false` keeps equal labels.
    Runs on the host.

    Source: opencv/open_model_zoo

    Example::

        layer { name: "decode" type: "CTCGreedyDecoder" bottom: "scores" bottom: "cont"
                top: "labels" ctc_decoder_param { ctc_merge_repeated: true } }
    """

    bottoms = (1, 2)
    host_side = True
    reads = ("ctc_decoder_param",)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        shape = bottom[0].shape
        if len(shape) != 3 or (len(bottom) > 1 and bottom[1].count != shape[0] * shape[1]):
            raise self.fail(
                "needs scores (T, N, C) and T * N indicators, got shapes "
                f"{[blob.shape for blob in bottom]}"
            )
        if not -1 <= self.param.ctc_decoder_param.blank_index < shape[2]:
            raise self.fail(f"blank_index must be from 0 to {shape[2] - 1}, or -1 for the last")
        top[0].reshape(shape[1], shape[0], 1, 1)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.ctc_decoder_param
        scores = self.ops.to_host(bottom[0].data)
        steps, batch, classes = scores.shape
        blank = param.blank_index % classes
        best = scores.argmax(axis=2).T  # (N, T)
        kept = best != blank
        if param.ctc_merge_repeated:
            kept[:, 1:] &= best[:, 1:] != best[:, :-1]
        if len(bottom) > 1:
            cont = self.ops.to_host(bottom[1].data).reshape(steps, batch).T != 0
            cont[:, 0] = True
            kept &= np.logical_and.accumulate(cont, axis=1)
        labels = np.full((batch, steps), -1, scores.dtype)
        row, step = np.nonzero(kept)
        labels[row, (np.cumsum(kept, axis=1) - 1)[row, step]] = best[row, step]
        self.ops.copy_to_device(labels.reshape(top[0].shape), top[0].data)
