"""What `Net.getLayer` returns."""

from caffe_lite.dnn.constants import DNN_TARGET_CPU
from caffe_lite.dnn.graph import Node
from caffe_lite.types import Array


class Layer:
    """A layer of a net: `name`, `type`, its learned `blobs` as host arrays, `preferableTarget`."""

    def __init__(self, node: Node, blobs: list[Array], target: int = DNN_TARGET_CPU) -> None:
        self.name = node.name
        self.type = node.type if node.id else ""  # the input layer's is empty in OpenCV
        self.blobs = tuple(blobs)
        self.preferableTarget = target
        self._outputs = [] if node.id else list(node.outputs)

    def outputNameToIndex(self, outputName: str) -> int:
        """Of the input layer, which input has this name, or -1; 0 of all other layers."""
        if not self._outputs:
            return 0
        return self._outputs.index(outputName) if outputName in self._outputs else -1
