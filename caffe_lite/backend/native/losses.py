"""Softmax, its cross-entropy and the likeliest classes in C."""

import numpy

from caffe_lite.backend.cpu.ops import NumpyOps
from caffe_lite.backend.native.base import NativeBase
from caffe_lite.types import Array


class NativeLosses(NativeBase, NumpyOps):
    """See `ReferenceLosses`."""

    def softmax(self, x: Array, y: Array) -> None:
        at = self._addresses(x, y)
        if at is None or x.shape != y.shape:
            return super().softmax(x, y)
        self._functions(x.size).softmax(*x.shape, *at)

    def softmax_grad(self, y: Array, dy: Array, dx: Array) -> None:
        at = self._addresses(y, dy, dx)
        if at is None or not y.shape == dy.shape == dx.shape:
            return super().softmax_grad(y, dy, dx)
        self._functions(y.size).softmax_grad(*y.shape, *at)

    def softmax_loss(
        self, prob: Array, label: Array, ignore: int | None, losses: Array
    ) -> tuple[Array, Array]:
        at = self._addresses(prob, label, losses)
        if at is None or not label.size == losses.size == prob.size // prob.shape[1]:
            return super().softmax_loss(prob, label, ignore, losses)
        sums = numpy.empty(2, self.dtype)
        self._functions(label.size).softmax_loss(
            *prob.shape, *at[:2], ignore is not None, ignore or 0, at[2], sums.ctypes.data
        )
        return sums[:1].reshape(()), sums[1:].reshape(())

    def softmax_loss_grad(
        self, prob: Array, label: Array, ignore: int | None, scale: float | Array, dx: Array
    ) -> None:
        at = self._addresses(prob, label, dx)
        if at is None or prob.shape != dx.shape or label.size != prob.size // prob.shape[1]:
            return super().softmax_loss_grad(prob, label, ignore, scale, dx)
        self._functions(prob.size).softmax_loss_grad(
            *prob.shape, *at[:2], ignore is not None, ignore or 0, float(scale), at[2]
        )

    def top_scores(self, scores: Array, count: int) -> tuple[Array, Array, Array]:
        at = self._addresses(scores)
        if at is None:
            return super().top_scores(scores, count)
        rows, width = scores.shape
        classes, best = (
            numpy.empty((rows, count), numpy.int32),
            numpy.empty((rows, count), self.dtype),
        )
        log_sum = numpy.empty(rows, self.dtype)
        results = [each.ctypes.data for each in (classes, best, log_sum)]
        self.library.without_gil.top_words(rows, width, *at, count, *results)
        return classes, best, log_sum
