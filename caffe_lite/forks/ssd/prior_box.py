"""PriorBox: the boxes that SSD predicts offsets from."""

from math import sqrt
from typing import Any

from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs, Flags


@register("PriorBox", aliases=("PriorBoxClustered",))
class PriorBox(Layer):
    """Boxes of fixed sizes centred on every cell of a feature map, with their variances.

    Cell (row, column) has its centre at ((column + offset) * step_w, (row + offset) * step_h) in
    pixels of the image. Around it lie, for each `min_size` in turn:

        a square of side min_size
        a square of side sqrt(min_size * max_size), where there is a max_size
        for each aspect ratio r but 1, width min_size * sqrt(r) and height min_size / sqrt(r)

    Aspect ratios are `aspect_ratio`, each followed by 1 / r with `flip`; repeated ones count once.
    Sizes are cut to whole pixels. `width` and `height`, if given, are those of all boxes instead.
    With several `offset_w` and `offset_h` a cell has as many centres, and each box in all of them.
    Without `step` the steps are the image's size divided by the
    feature map's. Coordinates are divided by the image's size, and with `clip` cut to [0, 1].

    bottom[0]  features  (N, C, H, W)      only its shape counts; its gradient is 0
    bottom[1]  image     (N, C, IH, IW)    likewise; not read with `img_size`, or `img_h`, `img_w`
    top[0]     priors    (1, 2, H * W * P * 4)  P boxes a cell, cells row by row: coordinates
                         (xmin, ymin, xmax, ymax) in channel 0, variances in channel 1

    Intel's nets call this layer `PriorBoxClustered` and give `width` and `height`.

    Source: weiliu89/caffe (branch ssd)

    Example::

        layer { name: "fc7_mbox_priorbox" type: "PriorBox" bottom: "fc7" bottom: "data"
                top: "fc7_mbox_priorbox"
                prior_box_param { min_size: 60 max_size: 111 aspect_ratio: 2 aspect_ratio: 3
                                  variance: 0.1 variance: 0.1 variance: 0.2 variance: 0.2
                                  step: 16 } }
    """

    bottoms = (2, 2)
    no_gradient = (0, 1)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.prior_box_param
        self._image = self._pair(param, "img_size", "img_h", "img_w")
        self._step = self._pair(param, "step", "step_h", "step_w")
        self._sizes = self._prior_sizes(param)
        self._offsets = self._centers(param)
        variances = list(param.variance) or [0.1]
        if len(variances) not in (1, 4) or min(variances) <= 0:
            raise self.fail(f"variance must be given once or four times, all > 0, got {variances}")
        self._variances = variances * (4 // len(variances))

    def _pair(self, param: Any, both: str, first: str, second: str) -> tuple[float, float]:
        """Height and width, from one field or two; zeros where none is given."""
        given = [name for name in (both, first, second) if param.HasField(name)]
        values = {name: getattr(param, name) for name in given}
        if not given:
            return 0, 0
        if given not in ([both], [first, second]) or min(values.values()) <= 0:
            shown = ", ".join(f"{name}: {value:g}" for name, value in values.items())
            raise self.fail(f"takes {both}, or {first} and {second}, all > 0, got {shown}")
        return values[given[0]], values[given[-1]]

    def _prior_sizes(self, param: Any) -> list[tuple[float, float]]:
        """Widths and heights in pixels of the priors around one centre."""
        if param.width or param.height:
            given = list(param.width), list(param.height)
            if len(given[0]) != len(given[1]) or min(given[0] + given[1]) <= 0:
                raise self.fail(
                    f"width and height must be given equally often, all > 0, got {given[0]} and "
                    f"{given[1]}"
                )
            return list(zip(*given, strict=True))
        smallest, largest = list(param.min_size), list(param.max_size)
        if not smallest or min(smallest) <= 0:
            raise self.fail(f"min_size must be given, all > 0, got {smallest}")
        if largest and len(largest) != len(smallest):
            raise self.fail(
                f"max_size must be given once for each min_size, got {len(largest)} for "
                f"{len(smallest)}"
            )
        if any(high <= low for low, high in zip(smallest, largest, strict=False)):
            raise self.fail(f"each max_size must exceed its min_size, got {largest} for {smallest}")
        sizes: list[tuple[float, float]] = []
        for i, size in enumerate(map(int, smallest)):
            sizes.append((size, size))
            if largest:
                side = sqrt(size * int(largest[i]))
                sizes.append((side, side))
            sizes += [(size * sqrt(r), size / sqrt(r)) for r in self._aspect_ratios(param)]
        return sizes

    def _centers(self, param: Any) -> list[tuple[float, float]]:
        """Where the centres of a cell lie, x and y in steps."""
        given = list(param.offset_w), list(param.offset_h)
        if len(given[0]) != len(given[1]):
            raise self.fail(
                "offset_w and offset_h must be given equally often, got "
                f"{len(given[0])} and {len(given[1])}"
            )
        centers = list(zip(*given, strict=True)) or [(param.offset, param.offset)]
        return centers + ([(param.offset, 1.0)] if param.denser_prior_boxes else [])

    def _aspect_ratios(self, param: Any) -> list[float]:
        """All aspect ratios but 1."""
        ratios = [1.0]
        for ratio in param.aspect_ratio:
            if ratio <= 0:
                raise self.fail(f"aspect_ratio must be > 0, got {ratio:g}")
            if all(abs(ratio - other) >= 1e-6 for other in ratios):
                ratios += [ratio, 1 / ratio] if param.flip else [ratio]
        return ratios[1:]

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        for i, blob in enumerate(bottom):
            if len(blob.shape) != 4:
                raise self.fail(
                    f"needs bottoms of 4 axes (N, C, H, W), bottom[{i}] has shape {blob.shape}"
                )
        height, width = bottom[0].shape[2:]
        top[0].reshape(1, 2, height * width * len(self._sizes) * len(self._offsets) * 4)
        image = self._image if self._image[0] else bottom[1].shape[2:]
        self._priors = self._make(height, width, image)

    def _make(self, height: int, width: int, image: tuple[float, ...]) -> Array:
        """The top's data, which shapes alone decide."""
        xp, dtype = self.xp, self.ops.dtype
        offset = xp.asarray(self._offsets, dtype=dtype)
        steps = self._step if self._step[0] else (image[0] / height, image[1] / width)
        # Axes: row, column, size, centre, coordinate
        y = (xp.arange(height, dtype=dtype)[:, None, None, None] + offset[:, 1]) * steps[0]
        x = (xp.arange(width, dtype=dtype)[:, None, None] + offset[:, 0]) * steps[1]
        half = xp.asarray(self._sizes, dtype=dtype)[:, None] / 2
        priors = xp.empty((2, height, width, len(self._sizes), len(offset), 4), dtype=dtype)
        boxes = priors[0]
        boxes[..., 0] = (x - half[..., 0]) / image[1]
        boxes[..., 1] = (y - half[..., 1]) / image[0]
        boxes[..., 2] = (x + half[..., 0]) / image[1]
        boxes[..., 3] = (y + half[..., 1]) / image[0]
        if self.param.prior_box_param.clip:
            xp.clip(boxes, 0, 1, out=boxes)
        priors[1] = xp.asarray(self._variances, dtype=dtype)
        return priors.reshape(1, 2, -1)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        top[0].data[...] = self._priors

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        self._zero_gradient(propagate_down, bottom)
