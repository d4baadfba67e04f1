"""Proposals of a region proposal network: its best boxes, on the host."""

from dataclasses import dataclass

import numpy as np

from caffe_lite.forks.boxes.anchors import over_grid
from caffe_lite.forks.boxes.codes import decode, sides
from caffe_lite.forks.boxes.frames import clip
from caffe_lite.forks.boxes.nms import nms
from caffe_lite.types import Array


@dataclass(frozen=True)
class Proposals:
    """How boxes are made of an image's scores and codes.

    `anchors` (A, 4) are those of the first cell, `stride` the pixels from one cell to the next,
    down and right. The `candidates` best boxes (all if not positive) are suppressed where they
    overlap a better one by more than `overlap`, and at most `kept` remain (all if not positive).
    Boxes with a side shorter than `min_size` (height, width) times the image's scale are dropped,
    or take the score 0 with `keep_small`.
    """

    anchors: Array
    stride: tuple[float, float]
    min_size: tuple[float, float]
    candidates: int
    kept: int
    overlap: float
    keep_small: bool = False

    def find(self, scores: Array, codes: Array, info: Array) -> tuple[Array, Array]:
        """The boxes (K, 4) and scores (K,) of one image, best first.

        `scores` are (2 A, H, W), the background's before the objects'; `codes` (4 A, H, W);
        `info` is (height, width, scale) or (height, width, scale down, scale across). Boxes with
        NaN and those with NaN as their score are dropped. If nothing remains, the whole image is
        the only box, with score 0.
        """
        count, (height, width) = len(self.anchors), scores.shape[1:]
        wanted = scores[count:].transpose(1, 2, 0).reshape(-1)
        rows = codes.transpose(1, 2, 0).reshape(-1, 4)
        priors = self._grid(height, width, rows.dtype)
        image_height, image_width = float(info[0]), float(info[1])
        boxes = decode(np, "CENTER_SIZE", rows, priors, extent=1)
        boxes = clip(np, boxes, image_height - 1, image_width - 1)
        across, down = sides(boxes, 1).T
        large = (down >= self.min_size[0] * info[2]) & (across >= self.min_size[1] * info[-1])
        valid = ~(np.isnan(boxes).any(axis=1) | np.isnan(wanted))
        if self.keep_small:
            wanted = np.where(large, wanted, 0)
        else:
            valid &= large
        boxes, wanted = boxes[valid], wanted[valid]
        if not len(boxes):
            whole = [[0, 0, image_width - 1, image_height - 1]]
            return np.array(whole, rows.dtype), np.zeros(1, rows.dtype)
        candidates, kept = (n if n > 0 else -1 for n in (self.candidates, self.kept))
        best = nms(boxes, wanted, self.overlap, top_k=candidates, extent=1, limit=kept)
        return boxes[best], wanted[best]

    def _grid(self, height: int, width: int, dtype: np.dtype) -> Array:
        down, across = self.stride
        grid = over_grid(np, self.anchors, height, width, 1).reshape(height, width, -1, 4)
        grid[..., 0::2] += (np.arange(width) * (across - 1))[:, None, None]
        grid[..., 1::2] += (np.arange(height) * (down - 1))[:, None, None, None]
        return grid.reshape(-1, 4).astype(dtype)
