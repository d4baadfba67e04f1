"""A layer with its bottoms and tops. A net runs a list of them, the test harness a single one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from caffe_lite.errors import CaffeError
from caffe_lite.layers.base import Layer
from caffe_lite.types import Blobs, Shape


class PlacedLayer:
    """A layer and the blobs that it reads and writes.

    Call `set_up` once, then `reshape`; `needs_reshape` says when to call that again.
    """

    def __init__(self, layer: Layer, bottom: Blobs, top: Blobs) -> None:
        self.layer, self.bottom, self.top = layer, bottom, top
        self._bottom_shapes: list[Shape] | None = None
        layer.set_loss_weights(len(top))

    def set_up(self) -> None:
        """Run the layer's `setup`, which creates its learned blobs."""
        with _errors_name(self.layer):
            self.layer.setup(self.bottom, self.top)

    def reshape(self) -> None:
        """Run the layer's `reshape`, and write its loss weights into the diffs of its tops."""
        with _errors_name(self.layer):
            self.layer.reshape(self.bottom, self.top)
        write_loss_weights(self.layer, self.top)
        self._bottom_shapes = [blob.shape for blob in self.bottom]

    def needs_reshape(self) -> bool:
        """Whether a bottom changed shape, or the layer reshapes before every forward."""
        shapes = [blob.shape for blob in self.bottom]
        return self.layer.reshape_every_forward or self._bottom_shapes != shapes

    def require_reshape(self) -> None:
        """Make `needs_reshape` return True until the next `reshape`."""
        self._bottom_shapes = None


def write_loss_weights(layer: Layer, top: Blobs) -> None:
    """Start backward at the losses: fill the diff of each weighted top with its loss weight."""
    for blob, weight in zip(top, layer.loss_weight, strict=False):
        if weight:
            blob.diff[...] = weight


@contextmanager
def _errors_name(layer: Layer) -> Iterator[None]:
    """Add the layer's name to errors that blobs raise, which do not know their layer."""
    try:
        yield
    except CaffeError as error:
        if type(error) is CaffeError:
            raise layer.fail(str(error)) from error
        raise
