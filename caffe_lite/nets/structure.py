"""What can be asked of a net: names, connections, learned blobs and their multipliers."""

from __future__ import annotations

from collections.abc import Callable

from caffe_lite.blob import Blob, BlobVec
from caffe_lite.errors import ModelError, did_you_mean
from caffe_lite.html import table
from caffe_lite.layers.base import Layer
from caffe_lite.nets.parameters import Parameters
from caffe_lite.nets.wiring import Node, Wiring


class Structure:
    """The part of `Net` that answers questions; it changes nothing."""

    name: str
    blobs: dict[str, Blob]
    wiring: Wiring
    layers: list[Layer]
    parameters: Parameters

    def __repr__(self) -> str:
        count = sum(blob.count for blob in self.learnable_params)
        ends = [f"{name} {self.blobs[name].shape}" for name in (*self.inputs, *self.outputs)]
        return (
            f'<{type(self).__name__} "{self.name}": {len(self.layers)} layers, {count:,} '
            f"parameters; {', '.join(ends)}>"
        )

    def _repr_html_(self) -> str:
        """The layers with their shapes, for Jupyter."""
        rows = [
            (layer.name, layer.type, ", ".join(self.bottom_names[layer.name]), tops, blobs)
            for layer in self.layers
            for tops in [", ".join(f"{t} {self.blobs[t].shape}" for t in self._shown_tops(layer))]
            for blobs in [", ".join(str(blob.shape) for blob in layer.blobs)]
        ]
        return table(repr(self), ("layer", "type", "bottoms", "tops", "learned blobs"), rows)

    def _shown_tops(self, layer: Layer) -> list[str]:
        return [name for name in self.top_names[layer.name] if name in self.blobs]

    @property
    def layer_names(self) -> list[str]:
        """The name of each layer, in order of execution."""
        return [layer.name for layer in self.layers]

    def layer_index(self, name: str) -> int:
        """The position of the layer called `name`; ModelError if there is none."""
        for i, layer in enumerate(self.layers):
            if layer.name == name:
                return i
        raise ModelError(
            f'net "{self.name}" has no layer "{name}"{did_you_mean(name, self.layer_names)}'
        )

    @property
    def inputs(self) -> list[str]:
        """Names of the tops of Input layers."""
        return [self.wiring.blob_names[i] for i in self.wiring.inputs]

    @property
    def outputs(self) -> list[str]:
        """Names of the tops that no layer takes, sorted."""
        return [self.wiring.blob_names[i] for i in self.wiring.outputs]

    @property
    def bottom_names(self) -> dict[str, list[str]]:
        """By layer name, the names of its bottoms."""
        return self._names(lambda node: node.bottom)

    @property
    def top_names(self) -> dict[str, list[str]]:
        """By layer name, the names of its tops."""
        return self._names(lambda node: node.top)

    def _names(self, side: Callable[[Node], list[int]]) -> dict[str, list[str]]:
        return {
            node.param.name: [self.wiring.blob_names[b] for b in side(node)]
            for node in self.wiring.nodes
        }

    @property
    def blob_loss_weights(self) -> dict[str, float]:
        """The loss weight of each blob; 0 for one that is not a loss."""
        weights = dict.fromkeys(self.wiring.blob_names, 0.0)
        for node, layer in zip(self.wiring.nodes, self.layers, strict=True):
            for t, weight in zip(node.top, layer.loss_weight, strict=True):
                weights[self.wiring.blob_names[t]] = weight
        return weights

    @property
    def params(self) -> dict[str, BlobVec]:
        """The learned blobs of each layer that has any."""
        return {layer.name: layer.blobs for layer in self.layers if layer.blobs}

    @property
    def learnable_params(self) -> list[Blob]:
        """All learned blobs; one that several layers share appears once."""
        return self.parameters.blobs

    @property
    def params_lr(self) -> list[float]:
        """The `lr_mult` of each of `learnable_params`."""
        return [spec.lr_mult for spec in self.parameters.specs]

    @property
    def params_weight_decay(self) -> list[float]:
        """The `decay_mult` of each of `learnable_params`."""
        return [spec.decay_mult for spec in self.parameters.specs]
