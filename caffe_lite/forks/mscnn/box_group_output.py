"""BoxGroupOutput: proposals from maps with several fields for each cell, on the host."""

import numpy as np

from caffe_lite.forks.boxes.nms import rank
from caffe_lite.forks.mscnn._codes import Field, normalization
from caffe_lite.forks.mscnn._groups import fields_of
from caffe_lite.forks.mscnn.box_output import OVERLAPS, BoxOutput, suppressed
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs


@register("BoxGroupOutput")
class BoxGroupOutput(BoxOutput):
    """The best boxes of maps of probabilities and codes, as regions for layers that pool them.

    A box scores 1 minus the probability of the background. Boxes are decoded from the codes and cut
    to the image; those that score `fg_thr` and have no side shorter than `min_size` pixels go
    through non-maximum suppression by `iou_thr` and `nms_type`. Cai and Vasconcelos, Cascade R-CNN,
    CVPR 2018. Runs on the host.

    bottom[2 i]      prob   (N G_i, C, H_i, W_i)  probabilities, the background's first, of an image
                                                  and each of the G_i fields of a box_group_param
    bottom[2 i + 1]  codes  (N G_i, 4, H_i, W_i)
    top[0]           rois   (R, 5, 1, 1)          rows (image, x1, y1, x2, y2), by image, best first
    top[1]           boxes  (R, 6, 1, 1)          optional: the same with the score behind

    It has no gradient; R changes from batch to batch. Without any box, the only region is
    (0, 1, 1, 10, 10), and the only box is all zeros. Codes are (code - bbox_mean) / bbox_std if
    `bbox_reg_param` gives them. Both corners of a box are inside.

    Differences from Cascade R-CNN: equal scores go by map, field and cell; boxes with a score of
    NaN are dropped.

    Source: zhaoweicai/cascade-rcnn

    Example::

        layer { name: "proposals" type: "BoxGroupOutput" bottom: "prob" bottom: "codes" top: "rois"
                box_group_output_param { iou_thr: 0.7 box_group_param { field_w: 44 field_w: 22
                field_h: 22 field_h: 44 stride: 8 } field_whr: 8 field_xyr: 1 min_size: 5 } }
    """

    bottoms = (2, None)
    reads = ("box_group_output_param", "bbox_reg_param")

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.box_group_output_param
        if param.nms_type not in OVERLAPS:
            raise self.fail(f"nms_type must be IOU, IOMU or IOFU, got {param.nms_type}")
        if len(bottom) != 2 * len(param.box_group_param):
            raise self.fail(
                f"needs two bottoms for each of {len(param.box_group_param)} box_group_param, got "
                f"{len(bottom)}"
            )
        self._groups = [
            fields_of(self, group, param.field_whr, param.field_xyr)
            for group in param.box_group_param
        ]
        self._mean, self._deviation = normalization(self)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        images = set()
        for i, fields in enumerate(self._groups):
            prob, codes = bottom[2 * i].shape, bottom[2 * i + 1].shape
            images.add(prob[0] / len(fields) if prob else 0)
            if len(prob) != 4 or codes != (prob[0], 4, *prob[2:]) or len(images) > 1:
                raise self.fail(
                    "needs probabilities (N G, C, H, W) and codes (N G, 4, H, W), G fields of each "
                    f"of N images, got shapes {prob} and {codes} in bottom[{2 * i}] and "
                    f"bottom[{2 * i + 1}]"
                )
        self._images = int(images.pop())
        if self._images * len(self._groups[0]) != bottom[0].shape[0]:
            raise self.fail(
                f"{len(self._groups[0])} fields need as many items for each image, got "
                f"{bottom[0].shape[0]}"
            )
        self._shape_tops(top)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        maps = [
            (
                self.ops.to_host(bottom[2 * i].data)[:, 0],
                self.ops.to_host(bottom[2 * i + 1].data).astype(float),
                fields,
            )
            for i, fields in enumerate(self._groups)
        ]
        self._give([self._best(maps, image) for image in range(self._images)], top)

    def _best(self, maps: list[tuple[Array, Array, list[Field]]], image: int) -> Array:
        """The boxes of an image, best first: rows (x1, y1, x2, y2, score)."""
        param = self.param.box_group_output_param
        boxes = np.concatenate(
            [
                self._boxes(1 - none[item], codes[item], field)
                for none, codes, fields in maps
                for item, field in enumerate(fields, image * len(fields))
            ]
        )
        boxes = boxes[rank(boxes[:, 4], param.max_nms_num or -1)]
        kept = suppressed(boxes[:, :4], param.iou_thr, param.nms_type, extent=1)
        return boxes[kept[: param.max_post_nms_num or None]]

    def _boxes(self, scores: Array, codes: Array, field: Field) -> Array:
        param = self.param.box_group_output_param
        x, y, width, height = field.decode(
            codes * self._deviation[:, None, None] + self._mean[:, None, None]
        )
        left, top = np.maximum(x, 0), np.maximum(y, 0)
        right = np.minimum(x + width - 1, scores.shape[1] * field.step)
        bottom = np.minimum(y + height - 1, scores.shape[0] * field.step)
        good = scores >= param.fg_thr
        good &= (right - left + 1 >= param.min_size) & (bottom - top + 1 >= param.min_size)
        return np.stack([left, top, right, bottom, scores], axis=-1)[good]
