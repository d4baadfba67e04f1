"""`module: "roi_data_layer.layer"`: images with objects or regions for training, on the host."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from caffe_lite.errors import DataError
from caffe_lite.forks.rcnn.python_layers import roidb
from caffe_lite.forks.rcnn.python_layers.sampling import Drawn, Sampler
from caffe_lite.forks.rcnn.python_layers.settings import Settings, read_settings
from caffe_lite.layers.base import Layer
from caffe_lite.types import Array, Shape, State

_KEYS = {"num_classes": None, "source": "", "root_folder": ""}
_RPN = ("data", "im_info", "gt_boxes")
_REGIONS = ("data", "rois", "labels", "bbox_targets", "bbox_inside_weights", "bbox_outside_weights")


class RoIDataLayer(Layer):
    """Images in random order, for Faster R-CNN with their objects, for Fast R-CNN with regions.

    top "data"       (N, 3, H, W)  images, the smaller ones padded with zeros
    Faster R-CNN, one image at a time:
    top "im_info"    (1, 3)        height, width and scale
    top "gt_boxes"   (G, 5)        rows (x1, y1, x2, y2, class)
    Fast R-CNN, BATCH_SIZE regions, the same number from each of IMS_PER_BATCH images:
    top "rois"       (B, 5)        rows (image, x1, y1, x2, y2)
    top "labels"     (B,)
    then perhaps     (B, 4 K)      targets, inside weights and outside weights, in this order

    A layer with a top "im_info" or "gt_boxes" is Faster R-CNN's; otherwise tops count by their
    order. `param_str` gives num_classes, and the images as `source`, a window file as WindowData
    reads it: windows of overlap 1 are objects, the others regions; `root_folder` is put before its
    paths. A script may call `set_roidb` with py-faster-rcnn's list of dicts instead. Images are
    resized, SCALES and MAX_SIZE say how, and with USE_FLIPPED they also come mirrored.

    Differences from py-faster-rcnn: pixels are rounded before the mean is subtracted; images of one
    batch need not have one aspect; codes are divided by BBOX_NORMALIZE_STDS, not by deviations
    measured over the training set; images without objects are left out for Faster R-CNN.
    """

    type = "Python"
    bottoms = (0, 0)
    tops = (3, 6)
    is_data = True

    @classmethod
    def declared_shapes(cls, param_str: str, tops: Sequence[str]) -> list[Shape]:
        """The shapes of the tops before the first batch; the images need not exist."""
        settings, own = cls.find_settings(param_str)
        objects = _gives_objects(tops)
        images = settings.ims_per_batch or (1 if objects else 2)
        data = (images, 3, int(max(settings.scales)), int(settings.max_size))
        if objects:
            return [data, (1, 3), (1, 5)]
        codes = (1, Sampler(settings, own["num_classes"]).columns)
        return [data, (1, 5), (1,), codes, codes, codes][: len(tops)]

    @classmethod
    def find_settings(cls, param_str: str) -> tuple[Settings, dict[str, Any]]:
        """The settings and the layer's own keys."""
        return read_settings(param_str, _KEYS)

    def setup(self, bottom: Any, top: Any) -> None:
        names, param_str = list(self.param.top), self.param.python_param.param_str
        self._settings, self._own = self.find_settings(param_str)
        self._objects = _gives_objects(names)
        if self._objects and len(top) != len(_RPN):
            raise DataError(f"has the tops data, im_info and gt_boxes, got {', '.join(names)}")
        self._sampler = Sampler(self._settings, self._own["num_classes"])
        shapes = self.declared_shapes(param_str, names)
        self._images = shapes[0][0]
        if self._objects and self._images != 1:
            raise DataError(f"IMS_PER_BATCH must be 1 with gt_boxes, got {self._images}")
        if self._settings.batch_size % self._images:
            raise DataError(
                f"BATCH_SIZE ({self._settings.batch_size}) must be a multiple of the "
                f"{self._images} images of a batch"
            )
        for blob, shape in zip(top, shapes, strict=True):
            blob.reshape(*shape)
        self._entries: list[roidb.Entry] = []
        self._order: list[int] = []
        if self._own["source"]:
            self._use(roidb.from_window_file(self._own["source"], self._own["root_folder"]))

    def set_roidb(self, given: Sequence[Any]) -> None:
        """Train on these images: dicts with image, boxes, gt_classes and perhaps flipped."""
        self._use(roidb.from_dicts(given), mirror=False)

    def _use(self, entries: list[roidb.Entry], mirror: bool = True) -> None:
        if self._objects:
            entries = [entry for entry in entries if len(entry.objects)]
        if mirror and self._settings.use_flipped:
            entries = entries + [replace(entry, flipped=True) for entry in entries]
        if len(entries) < self._images:
            raise DataError(f"needs {self._images} images or more with objects, got {len(entries)}")
        self._entries, self._order = entries, []

    def reshape(self, bottom: Any, top: Any) -> None:
        """`setup` and `forward` give the tops their shapes."""

    def forward(self, bottom: Any, top: Any) -> None:
        if not self._entries:
            raise DataError(
                "has no images: give a window file in param_str ('source': 'windows.txt'), or call "
                "set_roidb of this layer"
            )
        entries = [self._entries[i] for i in self._next()]
        settings = self._settings
        shorter = settings.scales[int(self.rng.integers(len(settings.scales)))]
        loaded = [entry.load(shorter, settings.max_size, settings.pixel_means) for entry in entries]
        _fill(top[0], _padded([image for image, _ in loaded]))
        if self._objects:
            self._give_objects(top, entries[0], *loaded[0])
        else:
            self._give_regions(top, entries, loaded)

    def _next(self) -> list[int]:
        if len(self._order) < self._images:
            self._order = self.rng.permutation(len(self._entries)).tolist()
        batch, self._order = self._order[: self._images], self._order[self._images :]
        return batch

    def _give_objects(self, top: Any, entry: roidb.Entry, image: Array, scale: float) -> None:
        height, width = image.shape[1:]
        objects, _ = entry.boxes(width, scale)
        _fill(top[1], np.array([[height, width, scale]]))
        _fill(top[2], np.column_stack([objects, entry.classes]))

    def _give_regions(
        self, top: Any, entries: list[roidb.Entry], loaded: list[tuple[Array, float]]
    ) -> None:
        count = self._settings.batch_size // self._images
        drawn = [
            self._draw(entry, image.shape[2], scale, count)
            for entry, (image, scale) in zip(entries, loaded, strict=True)
        ]
        rows = [
            np.column_stack([np.full(len(each.boxes), i), each.boxes])
            for i, each in enumerate(drawn)
        ]
        _fill(top[1], np.concatenate(rows))
        for i, blob in enumerate(top[2:]):
            _fill(blob, np.concatenate([each.tops[i] for each in drawn]))

    def _draw(self, entry: roidb.Entry, width: int, scale: float, count: int) -> Drawn:
        objects, regions = entry.boxes(width, scale)
        boxes = np.concatenate([objects, regions])
        if not len(boxes):
            raise DataError(f"{entry.path} has no regions and no objects")
        return self._sampler.draw(self.rng, boxes, objects, entry.classes, count)

    def get_state(self) -> State:
        return {**super().get_state(), "order": list(self._order)}

    def set_state(self, state: State) -> None:
        super().set_state(state)
        self._order = list(state["order"])


class RoIDataLayerPi(RoIDataLayer):
    """The same; `param_str` gives the number of classes as `--num_classes 20`."""

    @classmethod
    def find_settings(cls, param_str: str) -> tuple[Settings, dict[str, Any]]:
        found = re.search(r"--num_classes\s+(\d+)", param_str)
        if found is None:
            raise DataError(f'param_str must give "--num_classes N", got "{param_str}"')
        return read_settings(f"num_classes: {found[1]}", _KEYS)


def _gives_objects(tops: Sequence[str]) -> bool:
    return not {"im_info", "gt_boxes"}.isdisjoint(tops)


def _padded(images: list[Array]) -> Array:
    size = np.max([image.shape for image in images], axis=0)
    batch = np.zeros((len(images), *size), np.float32)
    for place, image in zip(batch, images, strict=True):
        place[:, : image.shape[1], : image.shape[2]] = image
    return batch


def _fill(blob: Any, values: Array) -> None:
    blob.reshape(*values.shape)
    blob.data[...] = values
