"""The text of a PyTorch module that computes what a net does."""

from __future__ import annotations

import pprint
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from caffe_lite.blob import Blob
from caffe_lite.errors import ModelError
from caffe_lite.export.preprocess import Preprocess
from caffe_lite.export.torch.helper_source import helpers, needed
from caffe_lite.export.torch.names import MODULE_NAMES, VARIABLE_NAMES, Names
from caffe_lite.export.torch.registry import Code, Site, Slot, emit, number, refusal
from caffe_lite.layers.base import Layer
from caffe_lite.nets.net import Net
from caffe_lite.types import Array, LayerParameter, NetParameter

_LINE = 100
_IMPORTS = {
    r"\bjson\.": "import json",
    r"\bmath\.": "import math",
    r"\bproduct\(": "from itertools import product",
    r"\bPath\(": "from pathlib import Path",
    r"\bAny\b": "from typing import Any",
}
_LOAD = '''
    @classmethod
    def load(cls, path=None):
        """The net with the weights in `path`, by default the .safetensors file beside this one."""
        net = cls()
        net.load_state_dict(read_safetensors(path or Path(__file__).with_suffix(".safetensors")))
        return net.eval()
'''
_RESET = '''
    def reset(self):
        """Forget the states that recurrent layers carry from one call to the next."""
        for module in self.children():
            if hasattr(module, "reset"):
                module.reset()
'''


@dataclass
class Tensor:
    """A parameter or buffer of the module, and the learned blob that it comes from."""

    layer: str
    slot: Slot
    blob: Blob

    def values(self) -> Array:
        """The blob's data as the module has it."""
        return self._laid_out(self.blob.ops.to_host(self.blob.data))

    def gradient(self) -> Array:
        """The blob's diff as the module has it."""
        return self._laid_out(self.blob.ops.to_host(self.blob.diff))

    def _laid_out(self, array: Array) -> Array:
        array = array.transpose(self.slot.axes) if self.slot.axes else array
        return array if self.slot.shape is None else array.reshape(self.slot.shape)


@dataclass
class Module:
    """A generated module: its text, its tensors by name, and the variables of `forward` by blob."""

    text: str
    tensors: dict[str, Tensor]
    variables: dict[str, str]
    constants: dict[str, Array] = field(default_factory=dict)


def generate(
    net: Net, param: NetParameter, outputs: tuple[str, ...], source: str, preprocess: Preprocess
) -> Module:
    """The module for `net`, which was built from `param`; `outputs` are blobs, `source` its file.

    Raises ModelError for a layer without an exact translation.
    """
    return _Writer(net, param, outputs, source, preprocess).module()


class _Writer:
    """Collects the parts of a module, layer by layer."""

    def __init__(
        self,
        net: Net,
        param: NetParameter,
        outputs: tuple[str, ...],
        source: str,
        preprocess: Preprocess,
    ) -> None:
        self._net, self._param, self._outputs, self._source = net, param, outputs, source
        self._layers = Names(MODULE_NAMES)
        self._blobs = Names(VARIABLE_NAMES | helpers().keys())
        self._inputs: list[str] = []
        self._init: list[str] = []
        self._forward: list[str] = []
        self._tensors: dict[str, Tensor] = {}
        self._owners: dict[int, str] = {}  # the first tensor of each blob
        self._resets = False
        self._constants: dict[str, Array] = {}
        for layer, definition, index in _paired(net, param):
            self._add(layer, list(definition.bottom), list(definition.top), index)
        if preprocess:
            self._preprocess(preprocess)

    def _add(self, layer: Layer, bottom: list[str], top: list[str], index: int) -> None:
        if layer.type == "Input":
            self._inputs += top
            for name in top:
                self._blobs(name)
            return
        attribute = self._layers(layer.name)
        site = Site(
            layer,
            tuple(self._blobs(name) for name in bottom),
            f"self.{attribute}",
            tuple(tuple(blob.shape) for blob in self._net.bottom_vecs[index]),
            tuple(tuple(blob.shape) for blob in self._net.top_vecs[index]),
        )
        code = emit(site)
        if len(top) != len(site.top_shapes):
            raise site.refuse("has tops without a name")
        if code.init:
            self._init.append(f"{site.me} = {code.init}")
        self._weights(layer, attribute, code)
        self._resets |= code.reset
        tops = ", ".join(self._blobs(name) for name in top)
        comment = "" if code.init or top[0] == layer.name else f"  # {layer.name}"
        self._forward.append(f"{tops} = {code.call}{comment}")

    def _weights(self, layer: Layer, attribute: str, code: Code) -> None:
        for suffix, slot in code.weights.items():
            name = f"{attribute}.{suffix}" if suffix else attribute
            blob = layer.blobs[slot.index]
            self._tensors[name] = Tensor(layer.name, slot, blob)
            owner = self._owners.setdefault(blob.buffer_ids[0], name)
            if owner != name:
                other = self._tensors[owner]
                if (slot.axes, slot.shape, slot.buffer, blob.shape) != (
                    other.slot.axes,
                    other.slot.shape,
                    other.slot.buffer,
                    other.blob.shape,
                ):
                    raise refusal(
                        layer,
                        f'shares blob {slot.index} with layer "{other.layer}", which '
                        "takes it in another layout",
                    )
                self._init.append(f"self.{name} = self.{owner}  # one blob")

    def _preprocess(self, given: Preprocess) -> None:
        """The first input, as the net takes it."""
        if not self._inputs:
            raise ModelError("--mean, --scale and --bgr need an input")
        name = self._inputs[0]
        x, mean = self._blobs(name), given.mean_for(name, self._net.blobs[name].shape)
        value = f"{x}.flip(1)" if given.bgr else x
        if mean is not None:
            attribute = self._layers(f"{name}_mean")
            self._constants[attribute] = np.ascontiguousarray(mean, np.float32)
            value = f"{value} - self.{attribute}"
            self._init.append(
                f'self.register_buffer("{attribute}", torch.zeros{tuple(mean.shape)})'
            )
        if given.scale != 1:
            value = f"({value}) * {number(given.scale)}"
        what = "RGB to BGR, " * given.bgr + "minus the mean, " * (mean is not None)
        what += f"times {number(given.scale)}" if given.scale != 1 else ""
        self._forward.insert(0, f"{x} = {value}  # {what.removesuffix(', ')}")

    def module(self) -> Module:
        outputs = [self._blobs(name) for name in self._outputs]
        self._forward.append(f"return {', '.join(outputs)}")
        body = "".join(self._class())
        tables = "".join(self._tables())
        names = needed(body)
        code = "\n\n\n".join([*(helpers()[name].text for name in names), body])
        imports = [line for use, line in _IMPORTS.items() if re.search(use, code)]
        uses_functional = "from torch.nn import functional as F\n" * ("F." in code)
        standard = "".join(f"{line}\n" for line in sorted(imports, key=_plain_first))
        text = (
            f"{self._docstring()}\n{standard}\n"
            f"import torch\nfrom torch import nn\n{uses_functional}\n{tables}\n\n{code}"
        )
        variables = {self._blobs(name): name for name in self._net.blobs if self._known(name)}
        return Module(text, self._tensors, variables, self._constants)

    def _known(self, blob: str) -> bool:
        return any(blob in layer.top for layer in self._param.layer)

    def _docstring(self) -> str:
        name = _plain(self._net.name) or "A net"
        source = f", exported from {_plain(self._source)}" if self._source else ""
        shapes = (tuple(self._net.blobs[each].shape) for each in self._inputs)
        given = ", ".join(f"torch.zeros{shape}" for shape in shapes)
        return (
            f'"""{name}{source} by caffe_lite. It needs PyTorch alone.\n\n'
            "    net = Net.load()  # the weights are in the .safetensors file beside this one\n"
            f"    y = net({given})\n"
            '"""\n'
        )

    def _tables(self) -> Iterator[str]:
        shapes = {name: tuple(self._net.blobs[name].shape) for name in self._inputs}
        yield f"INPUTS = {_printed(shapes)}\nOUTPUTS = {_printed(list(self._outputs))}\n"
        for title, names in (("LAYERS", self._layers), ("BLOBS", self._blobs)):
            if names.renamed:
                what = "attributes" if title == "LAYERS" else "variables"
                yield f"\n# The names in the prototxt of {what} that differ from them.\n"
                yield f"{title} = {_printed(names.renamed)}\n"

    def _class(self) -> Iterator[str]:
        name = _plain(self._net.name) or "the net"
        yield f'class Net(nn.Module):\n    """{name}."""\n\n'
        if self._init:
            yield "    def __init__(self):\n        super().__init__()\n"
            yield from (f"        {line}\n" for line in self._init)
            yield "\n"
        inputs = ", ".join(["self", *(self._blobs(name) for name in self._inputs)])
        yield f"    def forward({inputs}):\n"
        yield from (f"        {line}\n" for line in self._forward)
        yield _LOAD
        if self._resets:
            yield _RESET


def _paired(net: Net, param: NetParameter) -> Iterator[tuple[Layer, LayerParameter, int]]:
    """The layers of `net` with their definitions in `param`, which lacks inserted Splits."""
    definitions = iter(param.layer)
    definition = next(definitions, None)
    for index, layer in enumerate(net.layers):
        if definition is not None and layer.name == definition.name:
            yield layer, definition, index
            definition = next(definitions, None)


def _plain_first(line: str) -> tuple[bool, str]:
    return line.startswith("from"), line


def _printed(value: object) -> str:
    return pprint.pformat(value, width=_LINE - 10, sort_dicts=False, compact=True)


def _plain(text: str) -> str:
    """Text that may stand in a docstring or comment."""
    return re.sub(r'[\\"\x00-\x1f\x7f]', "", text)
