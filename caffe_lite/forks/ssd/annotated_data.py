"""AnnotatedData: images with the boxes of their objects."""

from functools import partial
from typing import Any

from caffe_lite.data.sources import open_source
from caffe_lite.forks.ssd._batches import (
    YOLO_ROWS,
    AnnotatedBatches,
    stack_boxes,
    stack_yolo,
)
from caffe_lite.forks.ssd._transformer import EXTENSIONS, BoxTransformer, image_size
from caffe_lite.layers._data import ImageDataLayer
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs


@register("AnnotatedData")
class AnnotatedData(ImageDataLayer):
    """Images of a database and the boxes of their objects, in key order, cyclically.

    top[0]  data   (batch_size, C, H, W)  transformed by transform_param
    top[1]  truth  (1, 1, K, 8)           optional: rows (image, label, instance, xmin, ymin, xmax,
                                          ymax, difficult) of all objects of the batch, in fractions
                                          of the image; one row of -1 if there are none. Of records
                                          without a type: the labels (batch_size,)

    The records are AnnotatedDatum messages. An image goes through `distort_param` (random colours),
    `expand_param` (a larger canvas), `batch_sampler` (a random crop, one of all that the samplers
    find), `resize_param`, `noise_param`, the crop of `crop_size` or `crop_h` and `crop_w`,
    `mirror`, mean and `scale`. Of several `resize_param` one is drawn for each batch, by `prob`, so
    that batches differ in size (eric612/MobileNet-YOLO). Boxes follow. One that a crop does not
    keep is dropped: by `emit_constraint`, or if it shares no area with the crop; the rest is cut to
    it. K changes from batch to batch.

    With `yolo_data_type: 1` the truth is YOLO's, (batch_size, 1, 300, 5): rows (class, centre x,
    centre y, width, height) of each image's objects, classes from 0, then zeros; difficult objects
    are left out with `train_diffcult: false`. That or `yolo_data_jitter` also crops at random where
    no `batch_sampler` does: four of five images, to sides of 1 - `yolo_data_jitter` to 1.

    `data_param` has `source`, `backend`, `batch_size`, `rand_skip` and `prefetch`, as of Data. With
    batch_size 1 images may differ in size; `FIT_SMALL_SIZE` needs that.

    Differences from SSD: between the steps an image is not written as a JPEG and read again. Raw
    records are distorted, expanded, resized and changed as encoded ones are. A crop has to meet
    all constraints of a sampler with one box; SSD takes some that do not. Random numbers come from
    another generator. `convert_to_lab` is refused.

    Source: weiliu89/caffe (branch ssd)

    Example::

        layer { name: "data" type: "AnnotatedData" top: "data" top: "label"
                data_param { source: "boxes_lmdb" backend: LMDB batch_size: 2 }
                transform_param { mirror: true mean_value: 104
                                  resize_param { height: 12 width: 10 }
                                  emit_constraint { emit_type: CENTER } }
                annotated_data_param {
                    batch_sampler { max_sample: 1 max_trials: 50
                                    sampler { min_scale: 0.3 max_scale: 1 }
                                    sample_constraint { min_jaccard_overlap: 0.5 } } } }
    """

    reads = ("data_param", "annotated_data_param", "transform_param")
    extensions = EXTENSIONS
    tops = (1, 2)

    @classmethod
    def source_shape(cls, param: Any, top: int, net: Any) -> tuple[int, ...] | None:
        """The number of boxes is a guess: as many as images."""
        batch = param.data_param.batch_size
        yolo = param.annotated_data_param.yolo_data_type == 1
        shape = (batch, 1, YOLO_ROWS, 5) if yolo else (1, 1, batch, 8)
        return shape if top == 1 else super().source_shape(param, top, net)

    @classmethod
    def image_size(cls, param: Any) -> tuple[int, int]:
        return image_size(param.transform_param)

    def open(self, top: Blobs) -> AnnotatedBatches:
        param, own = self.param.data_param, self.param.annotated_data_param
        size = self.batch_size(param)
        self.refuse_moved(param)
        transformer = BoxTransformer(
            self.param.transform_param, self.train, self._generator, own.batch_sampler, _jitter(own)
        )
        if transformer.sizes_differ and size > 1:
            raise self.fail(f"resize_mode: FIT_SMALL_SIZE needs batch_size: 1, got {size}")
        skip = int(self._generator.integers(param.rand_skip)) if param.rand_skip else 0
        source = open_source(param.source, param.backend)
        if skip:
            source.seek(skip)
        typed = own.HasField("anno_type")
        yolo = own.yolo_data_type == 1
        stack = partial(stack_yolo, difficult=own.train_diffcult) if yolo else stack_boxes
        return AnnotatedBatches(source, transformer, size, len(top) > 1, typed, stack)


def _jitter(param: Any) -> float | None:
    """How far YOLO's crop moves; None of a definition that is not of its fork, or has samplers."""
    yolo = param.HasField("yolo_data_type") or param.HasField("yolo_data_jitter")
    return param.yolo_data_jitter if yolo and not param.batch_sampler else None
