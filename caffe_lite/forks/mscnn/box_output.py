"""BoxOutput: proposals from several feature maps, on the host."""

import numpy as np

from caffe_lite.forks.boxes.nms import rank, suppress
from caffe_lite.forks.boxes.overlaps import areas, intersections
from caffe_lite.forks.mscnn._codes import Field, field_of, normalization
from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs, Flags

OVERLAPS = ("IOU", "IOMU", "IOFU")


@register("BoxOutput")
class BoxOutput(Layer):
    """The best boxes of several feature maps, as regions for the layers that pool them.

    A cell's score is that of its best class minus that of the background. Boxes are decoded from
    the codes and cut to the image; those that score `fg_thr` and have no side shorter than
    `min_size` go through non-maximum suppression by `iou_thr` and `nms_type`. Cai et al., A Unified
    Multi-scale Deep CNN for Fast Object Detection, ECCV 2016. Runs on the host.

    bottom[i]  maps   (N, C + 4, H_i, W_i)  scores of C classes, the background first, then codes
    top[0]     rois   (R, 5, 1, 1)          rows (image, x1, y1, x2, y2), by image, best first
    top[1]     boxes  (R, 6, 1, 1)          optional: the same with the score behind

    It has no gradient; R changes from batch to batch. Without any box, the only region is
    (0, 1, 1, 10, 10), and the only box is all zeros. Codes are (code - bbox_mean) / bbox_std if
    `bbox_reg_param` gives them.

    Differences from MS-CNN: equal scores go by map and cell; boxes with a score of NaN are dropped.

    Source: zhaoweicai/mscnn

    Example::

        layer { name: "proposals" type: "BoxOutput" bottom: "conv4" bottom: "conv5" top: "rois"
                box_output_param { fg_thr: -5 iou_thr: 0.65 field_w: 40 field_w: 80 field_h: 40
                field_h: 80 downsample_rate: 8 downsample_rate: 16 max_nms_num: 2000 } }
    """

    bottoms = (1, None)
    tops = (1, 2)
    tops_without_gradient = (0, 1)
    host_side = True
    varying_axis = 0
    reads = ("box_output_param", "bbox_reg_param")

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.box_output_param
        if param.nms_type not in OVERLAPS:
            raise self.fail(f"nms_type must be IOU, IOMU or IOFU, got {param.nms_type}")
        given = [list(values) for values in (param.field_h, param.field_w, param.downsample_rate)]
        if any(len(values) != len(bottom) for values in given):
            raise self.fail(
                f"field_h, field_w and downsample_rate need one value for each of {len(bottom)} "
                f"bottoms, got {', '.join(map(str, given))}"
            )
        self.fields = [
            field_of(self, height, width, step, param.field_whr, param.field_xyr)
            for height, width, step in zip(*given, strict=True)
        ]
        self._mean, self._deviation = normalization(self)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        first = bottom[0].shape
        for i, blob in enumerate(bottom):
            shape = blob.shape
            if len(shape) != 4 or shape[0] != first[0] or shape[1] < 6:
                raise self.fail(
                    "needs maps (N, C + 4, H, W) of two classes or more and as many images in all, "
                    f"got shape {shape} in bottom[{i}]"
                )
        self._shape_tops(top)

    def _shape_tops(self, top: Blobs) -> None:
        for blob, columns in zip(top, (5, 6), strict=False):
            if not blob.count or blob.shape[1:] != (columns, 1, 1):
                blob.reshape(1, columns, 1, 1)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        maps = [self.ops.to_host(blob.data) for blob in bottom]
        found = [self._find([each[image] for each in maps]) for image in range(len(maps[0]))]
        self._give(found, top)

    def _give(self, found: list[Array], top: Blobs) -> None:
        """Write the boxes of each image, rows (x1, y1, x2, y2, score), into the tops."""
        boxes = np.concatenate([np.insert(each, 0, i, axis=1) for i, each in enumerate(found)])
        regions = boxes[:, :5]
        if not len(boxes):
            regions, boxes = np.array([[0, 1, 1, 10, 10]]), np.zeros((1, 6))
        for blob, values in zip(top, (regions, boxes), strict=False):
            blob.reshape(*values.shape, 1, 1)
            self.ops.copy_to_device(values.astype(self.ops.dtype), blob.data)

    def _find(self, maps: list[Array]) -> Array:
        """The boxes of an image, best first: rows (x1, y1, x2, y2, score)."""
        param = self.param.box_output_param
        rows = [self._read(*each) for each in zip(maps, self.fields, strict=True)]
        boxes = np.concatenate(rows)
        boxes = boxes[rank(boxes[:, 4], param.max_nms_num or -1)]
        kept = suppressed(boxes[:, :4], param.iou_thr, param.nms_type)
        return boxes[kept[: param.max_post_nms_num or None]]

    def _read(self, values: Array, field: Field) -> Array:
        """The boxes of a map (C + 4, H, W) that count."""
        param = self.param.box_output_param
        scores = values[1:-4].max(axis=0) - values[0]
        codes = values[-4:] * self._deviation[:, None, None] + self._mean[:, None, None]
        x, y, width, height = field.decode(codes)
        x, y = np.maximum(x, 0), np.maximum(y, 0)
        width = np.minimum(width, values.shape[2] * field.step - x)
        height = np.minimum(height, values.shape[1] * field.step - y)
        good = (scores >= param.fg_thr) & (width >= param.min_size) & (height >= param.min_size)
        return np.stack([x, y, x + width, y + height, scores], axis=-1)[good]

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        self._zero_gradient(propagate_down, bottom)


def suppressed(boxes: Array, threshold: float, kind: str, extent: int = 0) -> Array:
    """The indices of boxes, best first, that overlap no better kept one by more.

    A side is `extent` longer than the difference of its coordinates.
    """
    if kind == "IOU":
        return suppress(boxes, threshold, extent=extent)
    sizes = areas(np, boxes, extent)
    alive = np.ones(len(boxes), bool)
    for i in range(len(boxes)):
        if alive[i]:
            shared = intersections(np, boxes[i : i + 1], boxes[i + 1 :], extent)[0]
            whole = np.minimum(sizes[i], sizes[i + 1 :]) if kind == "IOMU" else sizes[i]
            alive[i + 1 :] &= shared <= threshold * whole
    return np.flatnonzero(alive)
