"""Softmax and cross-entropy on the GPU, over arrays viewed as (outer, C, inner)."""

from caffe_lite.backend.gpu.base import GpuBase
from caffe_lite.backend.gpu.faults import Faults
from caffe_lite.backend.gpu.launch import BLOCK
from caffe_lite.types import Array

ROW_CLASSES = 64  # classes that make one block per row worthwhile
MOST_LOSS_BLOCKS = 1024


class GpuLosses(GpuBase):
    """x, y, prob (outer, C, inner) with classes on the middle axis; label (outer, inner)."""

    faults: Faults

    def softmax(self, x: Array, y: Array) -> None:
        """y = exp(x) / sum over classes of exp(x); y may be x."""
        outer, classes, inner = x.shape
        if inner == 1 and classes >= ROW_CLASSES:
            self.launch.blocks("softmax_rows", outer, outer, x, y, classes)
        else:
            n = outer * inner
            self.launch("softmax_columns", n, n, x, y, classes, inner)

    def softmax_grad(self, y: Array, dy: Array, dx: Array) -> None:
        """dx = y * (dy - sum over classes of dy * y); dx may be dy."""
        outer, classes, inner = y.shape
        if inner == 1 and classes >= ROW_CLASSES:
            self.launch.blocks("softmax_grad_rows", outer, outer, y, dy, dx, classes)
        else:
            n = outer * inner
            self.launch("softmax_grad_columns", n, n, y, dy, dx, classes, inner)

    def softmax_loss(
        self, prob: Array, label: Array, ignore: int | None, losses: Array
    ) -> tuple[Array, Array]:
        """losses (outer, inner) = -log(max(prob[label], FLT_MIN)), 0 where ignored.

        Returns the sum of the losses and the number of labels not ignored, as 0-d arrays.
        """
        outer, classes, inner = prob.shape
        n = outer * inner
        blocks = max(1, min(-(-n // BLOCK), MOST_LOSS_BLOCKS))
        (partial,) = self.workspaces((blocks, 2))
        totals = self.empty((2,))
        self.launch.blocks(
            "softmax_loss",
            blocks,
            *(n, prob, label, *_ignored(ignore), losses, partial, classes, inner),
        )
        self.launch.blocks("sum_pairs", 1, blocks, partial, totals)
        return totals[0], totals[1]

    def softmax_loss_grad(
        self, prob: Array, label: Array, ignore: int | None, scale: float | Array, dx: Array
    ) -> None:
        """dx = scale * (prob - [class is label]), 0 where ignored; scale a float or 0-d array."""
        _, classes, inner = prob.shape
        pointer, factor = (scale, 1.0) if isinstance(scale, self.xp.ndarray) else (None, scale)
        self.launch(
            "softmax_loss_grad",
            prob.size,
            *(prob.size, prob, label, *_ignored(ignore), pointer, factor, dx, classes, inner),
        )

    def label_fault(self, label: Array, classes: int, ignore: int | None, rule: str = "") -> None:
        """Record a label that is neither in [0, classes) nor `ignore` as a fault.

        Does not wait: the DataError with `rule` and the label is raised when the host next reads
        from the device.
        """
        fault = self.faults.slot(rule or f"labels must be integers from 0 to {classes - 1}")
        self.launch("find_fault", label.size, label.size, label, *_ignored(ignore), classes, fault)


def _ignored(ignore: int | None) -> tuple[bool, int]:
    return ignore is not None, 0 if ignore is None else ignore
