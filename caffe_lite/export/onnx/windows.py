"""The windows of a pooling, in Caffe's way and in ONNX's."""

from dataclasses import dataclass
from typing import Any

from caffe_lite.export.onnx.builder import Tensor
from caffe_lite.export.onnx.site import Site
from caffe_lite.export.onnx.sizes import Size, vector
from caffe_lite.types import Shape


@dataclass(frozen=True)
class Windows:
    """Windows over the last axes of a bottom; `round_up` as Caffe's round_mode CEIL.

    With padding, Caffe drops a last window that would begin beyond the image and its near padding;
    so does ONNX's ceil_mode. Without padding Caffe keeps it, and it may be empty.
    """

    kernel: Shape
    stride: Shape
    pad: Shape
    round_up: bool
    keep_last: bool = False  # of averages, a last window that begins in the far padding

    @property
    def may_be_empty(self) -> bool:
        """Whether the last window may lie beyond the image, of which there is no padding."""
        gaps = any(k < s for k, s in zip(self.kernel, self.stride, strict=True))
        return self.round_up and gaps and not any(self.pad)

    def attributes(self, padded: bool = False, round_up: bool = True) -> dict[str, Any]:
        """Attributes of MaxPool and AveragePool."""
        return {
            "kernel_shape": list(self.kernel),
            "strides": list(self.stride),
            "pads": [*self.pad] * 2 if padded else None,
            "ceil_mode": int(self.round_up and round_up),
        }

    def image(self, site: Site) -> list[Size]:
        """The sizes of the axes that windows move over."""
        return [site.size(axis) for axis in range(-len(self.kernel), 0)]

    def always_fit(self, site: Site) -> bool:
        """Whether no window reaches beyond the far padding, whatever the free sizes are."""
        return all(
            s == 1 or not self.round_up or (h.fixed and (h.number + 2 * p - k) % s == 0)
            for h, k, s, p in zip(self.image(site), self.kernel, self.stride, self.pad, strict=True)
        )

    def without_outside(self, site: Site, y: Tensor) -> Tensor:
        """y without the last windows if they begin in the far padding, as Caffe drops them."""
        axes = []
        ends = []
        for i, (h, k, s, p) in enumerate(
            zip(self.image(site), self.kernel, self.stride, self.pad, strict=True)
        ):
            if k < p + s:
                axes.append(2 + i)
                ends.append((h + (p + s - 1)) // s)  # windows that begin before h + p
        if not axes or self.keep_last:
            return y
        return site.graph.slice(y, [0] * len(axes), vector(site.graph, ends), axes)

    def filled(self, site: Site, x: Tensor, value: float) -> Tensor:
        """x with `value` behind it, so that all windows are whole; for windows without padding."""
        ends = []
        for h, k, s in zip(self.image(site), self.kernel, self.stride, strict=True):
            # ceil((h - k) / s) * s + k; the image is at least as large as the kernel
            whole = (h + (s - 1 - k)) // s * s + k
            ends.append((whole - h).maximum(0))
        before = [0] * (len(ends) + 4)
        pads = vector(site.graph, [*before, *ends])
        return site.op("Pad", x, pads, site.graph.floats(value))
