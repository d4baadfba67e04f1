"""What `Net.getLayer` returns."""

from collections.abc import Callable, Sequence

from caffe_lite.dnn.constants import DNN_TARGET_CPU
from caffe_lite.dnn.errors import raises_cv2_error
from caffe_lite.dnn.graph import Node
from caffe_lite.types import Array


class Layer:
    """A layer of a net: `name`, `type`, its learned `blobs` as host arrays, `preferableTarget`.

    Assigning `blobs` gives the net's layer other ones, more or fewer of them, too.
    """

    def __init__(
        self,
        node: Node,
        blobs: Sequence[Array],
        replace: Callable[[Sequence[Array]], None],
        target: int = DNN_TARGET_CPU,
    ) -> None:
        self.name = node.name
        self.type = node.type if node.id else ""  # the input layer's is empty in OpenCV
        self.preferableTarget = target
        self._blobs, self._replace = tuple(blobs), replace
        self._outputs = [] if node.id else list(node.outputs)

    @property
    def blobs(self) -> tuple[Array, ...]:
        return self._blobs

    @blobs.setter
    @raises_cv2_error
    def blobs(self, given: Sequence[Array]) -> None:
        self._replace(given)
        self._blobs = tuple(given)

    def outputNameToIndex(self, outputName: str) -> int:
        """Of the input layer, which input has this name, or -1; 0 of all other layers."""
        if not self._outputs:
            return 0
        return self._outputs.index(outputName) if outputName in self._outputs else -1
