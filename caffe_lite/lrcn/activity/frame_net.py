"""The part of an activity net that sees single frames, computed once per frame."""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from caffe_lite.lrcn.caption_net import Range, ranges
from caffe_lite.nets.net import Net
from caffe_lite.proto import schema
from caffe_lite.types import LayerParameter

# Layers whose output for an item depends on that item alone, in the TEST phase.
_PER_ITEM = frozenset(
    """AbsVal BNLL BatchNorm Bias Concat Convolution Deconvolution Dropout ELU Eltwise Exp
    InnerProduct LRN Log MVN PReLU Pooling Power ReLU SPP Scale Sigmoid Softmax Split TanH
    Threshold""".split()
)
_CROPS = 40  # per batch: enough for inner products, few enough for the processor's cache


class FrameNet:
    """The layers of `net` from the frames `data` to the last blob that frames do not share.

    `name` is that blob: the input of the recurrent part, or `data` itself where the first layer
    already mixes items. `layers` are the positions of its layers, `rest` those of the others. They
    run as a net of their own, `part`, with the weights of `net`, and unless `optimize` is false by
    a plan of fused steps.
    """

    def __init__(self, net: Net, data: str, optimize: bool = True) -> None:
        self.net, self.data = net, data
        self.items = net.blobs[data].shape[0]
        chosen = self._choose()
        outputs = [name for i in chosen for name in self._tops(i)]
        self.name = outputs[-1] if outputs else data
        everything = [i for i, node in enumerate(net.wiring.nodes) if node.param.type != "Input"]
        self.layers: list[Range] = ranges(chosen)
        self.rest: list[Range] = ranges(i for i in everything if i not in set(chosen))
        self.part = self._part(chosen).optimize(optimize) if chosen else None

    def compute(self, crops: np.ndarray) -> np.ndarray:
        """The blob `name` of inputs (n, C, H, W): (n, ...) float32."""
        if self.part is None:
            return crops
        data = self.part.blobs[self.data]
        found: list[np.ndarray] = []
        for first in range(0, len(crops), _CROPS):
            batch = crops[first : first + _CROPS]
            data.reshape(*batch.shape)
            data.data[...] = self.net.ops.asarray(batch)
            self.part.forward()
            out = self.part.blobs[self.name].data
            found.append(self.net.ops.to_host(out).astype(np.float32))
        return np.concatenate(found)

    def fingerprint(self) -> str:
        """Changes with the definitions and the weights of the layers."""
        digest = hashlib.sha1(self.name.encode(), usedforsecurity=False)
        for start, end in self.layers:
            for layer in self.net.layers[start : end + 1]:
                digest.update(layer.param.SerializeToString(deterministic=True))
                for blob in layer.blobs:
                    digest.update(self.net.ops.to_host(blob.data).tobytes())
        return digest.hexdigest()

    def _part(self, chosen: Sequence[int]) -> Net:
        """The `chosen` layers and the input of the frames as a net that shares their weights."""
        names = {self.net.layers[i].name for i in chosen}
        param = schema.NetParameter()
        param.CopyFrom(self.net.param)
        del param.layer[:]
        for layer in self.net.param.layer:
            if layer.name in names:
                param.layer.append(layer)
            elif layer.type == "Input" and self.data in layer.top:
                param.layer.append(_input_of(layer, self.data))
        part = Net(param, schema.TEST, self.net.ops)
        part.share_trained_layers_with(self.net)
        return part

    def _choose(self) -> list[int]:
        """Positions of the longest beginning of per-item layers with one blob at its end."""
        net = self.net
        inside, chosen, best = {self.data}, list[int](), list[int]()
        for i, node in enumerate(net.wiring.nodes):
            if node.param.type == "Input" or inside.isdisjoint(self._bottoms(i)):
                continue
            tops = self._tops(i)
            if (
                not _is_per_item(node.param)
                or not inside.issuperset(self._bottoms(i))
                or any(net.blobs[name].shape[:1] != (self.items,) for name in tops)
            ):
                break
            chosen.append(i)
            inside.update(tops)
            if self._crossing(chosen) <= {tops[-1]}:
                best = list(chosen)
        return best

    def _crossing(self, chosen: Sequence[int]) -> set[str]:
        """The blobs that `chosen` layers compute, or the frames, and other layers read."""
        made = {self.data, *(name for i in chosen for name in self._tops(i))}
        others = set(range(len(self.net.layers))) - set(chosen)
        return {name for i in others for name in self._bottoms(i) if name in made}

    def _bottoms(self, i: int) -> list[str]:
        return [self.net.wiring.blob_names[b] for b in self.net.wiring.nodes[i].bottom]

    def _tops(self, i: int) -> list[str]:
        return [self.net.wiring.blob_names[t] for t in self.net.wiring.nodes[i].top]


def frames_per_batch(crops: int) -> int:
    """The number of frames whose crops make up a batch of `FrameNet.compute`."""
    return max(1, _CROPS // crops)


def _input_of(layer: LayerParameter, top: str) -> LayerParameter:
    """An Input layer with one of its tops."""
    place = list(layer.top).index(top)
    shapes = layer.input_param.shape
    chosen: LayerParameter = schema.LayerParameter(name=layer.name, type="Input", top=[top])
    chosen.input_param.shape.append(shapes[place if len(shapes) > 1 else 0])
    return chosen


def _is_per_item(param: Any) -> bool:
    if param.type not in _PER_ITEM:
        return False
    if param.type == "BatchNorm":
        given = param.batch_norm_param.HasField("use_global_stats")
        return not given or param.batch_norm_param.use_global_stats
    axes = {
        "Bias": param.bias_param.axis,
        "Concat": param.concat_param.axis,
        "InnerProduct": param.inner_product_param.axis,
        "Scale": param.scale_param.axis,
        "Softmax": param.softmax_param.axis,
    }
    return axes.get(param.type, 1) > 0
