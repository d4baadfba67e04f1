"""The tensors of a checkpoint by the layer of the other program that they belong to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from caffe_lite.types import Shape
from caffe_lite.weights.stored import StoredBlob

_IGNORED = ("num_batches_tracked",)
_LAYER_SUFFIX = re.compile(r"_l0$")  # PyTorch numbers the layers of a stack
# Roles of the programs, by the names of PyTorch and Keras.
KERAS_ROLES = {
    "kernel",
    "gamma",
    "beta",
    "moving_mean",
    "moving_variance",
    "depthwise_kernel",
    "recurrent_kernel",
    "alpha",
    "embeddings",
}


@dataclass(frozen=True)
class Module:
    """One layer of a checkpoint: `roles` maps "weight", "kernel" ... to names of tensors."""

    name: str
    roles: dict[str, str]
    shapes: dict[str, Shape]  # by the tensors' names

    @property
    def keras(self) -> bool:
        """Whether its kernels are in Keras's layout."""
        return not KERAS_ROLES.isdisjoint(self.roles)

    def has(self, *roles: str) -> bool:
        return all(role in self.roles for role in roles)


def modules_of(tensors: Mapping[str, StoredBlob]) -> list[Module]:
    """The modules in the order of their first tensor."""
    found: dict[str, dict[str, str]] = {}
    for name in tensors:
        prefix, _, role = name.replace("/", ".").rpartition(".")
        if role in _IGNORED:
            continue
        found.setdefault(prefix, {})[_LAYER_SUFFIX.sub("", role)] = name
    return [
        Module(prefix, roles, {name: tensors[name].shape for name in roles.values()})
        for prefix, roles in found.items()
    ]
