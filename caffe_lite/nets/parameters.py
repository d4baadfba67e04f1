"""The learned blobs of a net: which layers share them by name, and their multipliers."""

import logging
from dataclasses import dataclass

from caffe_lite.blob import Blob
from caffe_lite.layers.base import Layer
from caffe_lite.proto import schema
from caffe_lite.types import ParamSpec

log = logging.getLogger("caffe_lite.net")

_DEFAULT_SPEC: ParamSpec = schema.ParamSpec()


@dataclass
class Spec:
    """The multipliers of one learned blob, and the layer that owns it: the first to use it.

    `has_lr` and `has_decay` say whether a layer gave the multiplier, or it is the default.
    """

    owner: Layer
    index: int
    lr_mult: float
    decay_mult: float
    has_lr: bool
    has_decay: bool


@dataclass
class Use:
    """One layer's use of a learned blob: `layer.blobs[index]` is `Parameters.blobs[position]`."""

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
    """Learned blobs in the order in which layers create them, shared ones once.

    `specs` belongs to `blobs`, one for each; `uses` has one entry for each blob of each layer.
    """

    def __init__(self) -> None:
        self.blobs: list[Blob] = []
        self.specs: list[Spec] = []
        self.uses: list[Use] = []
        self._positions: dict[str, int] = {}

    def add_layer(self, layer: Layer) -> None:
        """Add the blobs of a layer that is set up; share those whose name an earlier layer gave.

        Sets `layer.param_propagate_down`. Raises LayerError if there are more `param` entries than
        blobs, or if shared blobs differ in shape or multipliers.
        """
        given = layer.param.param
        if len(given) > len(layer.blobs):
            raise layer.fail(
                f"`param {{ }}` must be given at most once per learned blob ({len(layer.blobs)}), "
                f"got {len(given)}"
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

    def _own(self, layer: Layer, index: int, blob: Blob, spec: ParamSpec) -> int:
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

    def _share(self, layer: Layer, index: int, blob: Blob, spec: ParamSpec, position: int) -> None:
        owned, owner = self.blobs[position], self.specs[position]
        permissive = spec.share_mode == schema.ParamSpec.PERMISSIVE
        remedy = (
            "give one of them another name"
            if blob.count != owned.count
            else "share_mode: PERMISSIVE requires only equal counts"
        )
        if blob.count != owned.count or not (permissive or blob.shape == owned.shape):
            raise layer.fail(
                f'cannot share param "{spec.name}" with layer "{owner.owner.name}": its blob '
                f"{index} has shape {blob.shape}, the owner's {owned.shape}; " + remedy
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
                    f'{getattr(owner, field):g} in layer "{owner.owner.name}"; give it in one of '
                    "them, or the same value in both"
                )
            setattr(owner, field, value)
            setattr(owner, has, True)
