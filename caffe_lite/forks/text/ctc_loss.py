"""CtcLoss: connectionist temporal classification, the loss of unaligned label sequences.

Labels are read on the host; the probabilities of all ways to spell them are computed on the device.
"""

import numpy as np

from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs, Flags

_NEVER = -np.inf


@register("CtcLoss", aliases=["CTCLoss", "WarpCTC"])
class CtcLoss(Layer):
    """The mean over sequences of -log P, with the probability P of all ways to spell the labels.

    A way gives every step a label or the blank; equal labels that follow each other are one, then
    blanks are dropped. Its probability is the product of softmax probabilities of its steps.

    bottom[0]  scores  (T, N, C)  before the softmax
    bottom[1]  labels  (N, L)     from 0 to C - 1; those equal to `blank_label` are left out
    top[0]     loss    ()

    Only the first `time_step` steps count, if that is given. A sequence that is too short for its
    labels counts 0 and has no gradient, as in warp-ctc. Labels are read on the host.

    The gradient is the fork's own: that of the sum over sequences, N times that of their mean.

    Source: xmfbit/warpctc-caffe

    Example::

        layer { name: "loss" type: "CtcLoss" bottom: "scores" bottom: "label" top: "loss"
                ctc_loss_param { alphabet_size: 4 time_step: 5 blank_label: 0 } }
    """

    bottoms = (2, 2)
    no_gradient = (1,)
    is_loss = True
    host_side = True

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        param, (scores, labels) = self.param.ctc_loss_param, (blob.shape for blob in bottom)
        if len(scores) != 3 or labels[:1] != scores[1:2]:
            raise self.fail(
                f"needs scores (T, N, C) and labels (N, L), got shapes {scores} and {labels}"
            )
        if param.alphabet_size not in (0, scores[2]) or param.time_step > scores[0]:
            raise self.fail(
                f"alphabet_size must be the {scores[2]} classes of the scores, and time_step at "
                f"most their {scores[0]} steps, got {param.alphabet_size} and {param.time_step}"
            )
        if not 0 <= param.blank_label < scores[2]:
            raise self.fail(f"blank_label must be from 0 to {scores[2] - 1}")
        self._steps = param.time_step or scores[0]
        self._gradient = self.ops.zeros(scores)
        top[0].reshape()

    def _read_labels(self, rows: Array, classes: int) -> tuple[Array, Array]:
        """The blank, then each label with a blank behind it (N, S); and how many count (N,)."""
        blank = self.param.ctc_loss_param.blank_label
        rows = rows.reshape(len(rows), -1)
        wrong = ~((rows >= 0) & (rows < classes))
        if wrong.any():
            raise self.fail(f"a label must be from 0 to {classes - 1}, got {rows[wrong][0]:g}")
        found = [row[row != blank].astype(int) for row in np.trunc(rows)]
        lengths = np.array([len(each) for each in found])
        spelled = np.full((len(rows), 2 * lengths.max() + 1), blank)
        for into, each in zip(spelled, found, strict=True):
            into[1 : 2 * len(each) : 2] = each
        return spelled, 2 * lengths + 1

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        xp, gradient = self.xp, self._gradient
        x = bottom[0].data[: self._steps]
        spelled, counts = self._read_labels(self.ops.to_host(bottom[1].data), x.shape[2])
        blank = self.param.ctc_loss_param.blank_label
        skips = np.zeros(spelled.shape, bool)
        skips[:, 2:] = (spelled[:, 2:] != blank) & (spelled[:, 2:] != spelled[:, :-2])
        states = np.arange(spelled.shape[1])
        lasts = (states == counts[:, None] - 1) | (states == counts[:, None] - 2)
        labels, skips, lasts = (self.ops.asarray(a, a.dtype) for a in (spelled, skips, lasts))
        shifted = x - x.max(axis=2, keepdims=True)
        log = shifted - xp.log(xp.exp(shifted).sum(axis=2, keepdims=True))
        emitted = xp.take_along_axis(log, labels[None], axis=2)
        first = self.ops.asarray(states < 2, bool)
        ahead = self._walk(emitted, xp.where(first, 0, _NEVER), skips)
        mirrored = xp.zeros(skips.shape, bool)
        mirrored[:, 2:] = skips[:, ::-1][:, :-2]  # a step from s - 2 is one back from s
        ends = xp.where(lasts[:, ::-1], 0, _NEVER)
        behind = self._walk(emitted[::-1, :, ::-1], ends, mirrored)[::-1, :, ::-1]
        total = xp.where(lasts, ahead[-1], _NEVER)
        total = self._log_sum(total)
        possible = total > _NEVER
        top[0].data[...] = -xp.where(possible, total, 0).sum() / len(total)
        known = xp.where(possible, total, 0)[None, :, None]
        share = xp.exp(xp.where(emitted > _NEVER, ahead + behind - emitted, _NEVER) - known)
        gradient[...] = 0
        part = gradient[: self._steps]
        xp.exp(log, out=part)
        items = xp.arange(len(total))
        for state in range(len(states)):
            part[:, items, labels[:, state]] -= share[:, :, state]
        part *= possible[None, :, None]

    def _walk(self, emitted: Array, start: Array, skips: Array) -> Array:
        """Log probabilities (T, N, S) of all ways that are in each state at each step."""
        xp = self.xp
        reached = xp.empty_like(emitted)
        reached[0] = start + emitted[0]
        for t in range(1, len(emitted)):
            before, now = reached[t - 1], reached[t]
            now[...] = before
            now[:, 1:] = xp.logaddexp(now[:, 1:], before[:, :-1])
            skipped = xp.where(skips[:, 2:], before[:, :-2], _NEVER)
            now[:, 2:] = xp.logaddexp(now[:, 2:], skipped)
            now += emitted[t]
        return reached

    def _log_sum(self, a: Array) -> Array:
        """log of the sum of exp over the last axis."""
        largest = a.max(axis=-1)
        safe = self.xp.where(largest > _NEVER, largest, 0)
        return self.xp.log(self.xp.exp(a - safe[:, None]).sum(axis=-1)) + safe

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        if propagate_down[0]:
            self.xp.multiply(self._gradient, top[0].diff, out=bottom[0].diff)
