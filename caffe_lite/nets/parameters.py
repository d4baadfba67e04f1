"""The learned blobs of a net: which are shared by name, and their multipliers."""

import logging
from dataclasses import dataclass
from typing import Any

from caffe_lite.blob import Blob
from caffe_lite.layers.base import Layer
from caffe_lite.proto import schema

log = logging.getLogger("caffe_lite.net")

_DEFAULT_SPEC = schema.ParamSpec()


@dataclass
class Spec:
    """How one learned blob is updated, and who owns it."""

    owner: Layer
    index: int
    lr_mult: float
    decay_mult: float
    has_lr: bool
    has_decay: bool


@dataclass
class Use:
    """One layer's view of a learned blob: `position` in the list of blobs."""

    layer: Layer
    index: int
    position: int

    @property
    def display_name(self) -> str:
        """The name that the prototxt gives it, else its number within the layer."""
        param = self.layer.param
        name = param.param[self.index].name if self.index < len(param.param) else ""
        return name or str(self.index)


class Parameters:
    """Learned blobs in the order in which layers create them, each once."""

    def __init__(self) -> None:
        self.blobs: list[Blob] = []
        self.specs: list[Spec] = []
        self.uses: list[Use] = []
        self._positions: dict[str, int] = {}

    def add_layer(self, layer: Layer) -> None:
        """Take in the blobs of a layer that is set up, and share those whose name is known.

        Sets `layer.param_propagate_down`. Raises LayerError when more `param` entries are given
        than there are blobs, or when shared blobs disagree.
        """
        given = layer.param.param
        if len(given) > len(layer.blobs):
            raise layer.fail(
                f"param is given {len(given)} times, its learned blobs are {len(layer.blobs)}; "
                "give it at most once for each"
            )
        specs = [given[i] if i < len(given) else _DEFAULT_SPEC for i in range(len(layer.blobs))]
        layer.param_propagate_down = [spec.lr_mult != 0 for spec in specs]
        for i, (blob, spec) in enumerate(zip(layer.blobs, specs, strict=True)):
            position = self._positions.get(spec.name) if spec.name else None
            if position is None:
                position = self._own(layer, i, blob, spec)
            else:
                self._share(layer, i, blob, spec, position)
            self.uses.append(Use(layer, i, position))

    def _own(self, layer: Layer, index: int, blob: Blob, spec: Any) -> int:
        position = len(self.blobs)
        if spec.name:
            self._positions[spec.name] = position
        self.blobs.append(blob)
        self.specs.append(
            Spec(
                layer,
                index,
                spec.lr_mult,
                spec.decay_mult,
                spec.HasField("lr_mult"),
                spec.HasField("decay_mult"),
            )
        )
        return position

    def _share(self, layer: Layer, index: int, blob: Blob, spec: Any, position: int) -> None:
        owned, owner = self.blobs[position], self.specs[position]
        permissive = spec.share_mode == schema.ParamSpec.PERMISSIVE
        if blob.count != owned.count or not (permissive or blob.shape == owned.shape):
            raise layer.fail(
                f'cannot share param "{spec.name}" with layer "{owner.owner.name}": its blob '
                f"{index} is {blob.shape}, the owner's {owned.shape}"
                + (
                    ""
                    if blob.count != owned.count
                    else "; share_mode: PERMISSIVE asks for equal counts alone"
                )
            )
        log.info(
            "Sharing parameters '%s' owned by layer '%s', param index %d",
            spec.name,
            owner.owner.name,
            owner.index,
        )
        blob.share_data(owned)
        blob.share_diff(owned)
        for field, has in (("lr_mult", "has_lr"), ("decay_mult", "has_decay")):
            if not spec.HasField(field):
                continue
            value = getattr(spec, field)
            if getattr(owner, has) and getattr(owner, field) != value:
                raise layer.fail(
                    f'param "{spec.name}" has {field} {value:g} here and '
                    f'{getattr(owner, field):g} in layer "{owner.owner.name}"'
                )
            setattr(owner, field, value)
            setattr(owner, has, True)
