"""A net that takes images, from a deploy definition or from the one that it was trained with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from caffe_lite.backend import Ops
from caffe_lite.data.mean_file import read_mean
from caffe_lite.errors import ModelError
from caffe_lite.export.inference_net import inference_net
from caffe_lite.nets.graph import filter_net, with_state
from caffe_lite.nets.net import Net
from caffe_lite.proto import schema
from caffe_lite.types import LayerParameter, NetParameter, Shape

_SEQUENCES = ("LSTM", "RNN")


def takes_clips(definition: NetParameter) -> bool:
    """Whether a net has layers over time."""
    return any(layer.type in _SEQUENCES for layer in definition.layer)


def usable_net(
    definition: NetParameter,
    ops: Ops,
    weights: str | None,
    source: str,
    shapes: Mapping[str, Shape] | None = None,
) -> Net:
    """The net in phase TEST with its data layers as inputs and its losses as probabilities.

    Raises ModelError for weights that lack a layer, and for a net whose first input is no image
    (N, C, H, W).
    """
    inference = inference_net(definition, shapes=shapes, probabilities=True)
    net = Net(inference.param, ops=ops, source=source)
    if weights:
        missing = net.copy_trained_layers_from(weights).missing
        if missing:
            raise ModelError(f"{weights}: has no weights for {', '.join(missing)}")
    shape = net.blobs[net.inputs[0]].shape
    if len(shape) != 4:
        raise ModelError(
            f'{source}: the first input, "{net.inputs[0]}", has shape {shape}, not that of images '
            "(N, C, H, W)"
        )
    return net


@dataclass(frozen=True)
class Preprocessing:
    """What a data layer does to images: `mean` None for none, `resize` None for as they are."""

    mean: np.ndarray | list[float] | None = None
    scale: float = 1.0
    resize: tuple[int, int] | None = None


def preprocessing_of(definition: NetParameter) -> Preprocessing | None:
    """What the net's data layer of phase TEST does to images; None if it has none.

    Reads the mean file, if one is named.
    """
    filtered = filter_net(with_state(definition, schema.TEST, 0, ()))
    for layer in filtered.layer:
        if not layer.bottom and layer.HasField("transform_param"):
            return _of_layer(layer)
    return None


def _of_layer(layer: LayerParameter) -> Preprocessing:
    transform = layer.transform_param
    mean: np.ndarray | list[float] | None = list(transform.mean_value) or None
    if transform.mean_file:
        mean = read_mean(transform.mean_file)
    sides = layer.image_data_param.new_height, layer.image_data_param.new_width
    return Preprocessing(mean, transform.scale, sides if all(sides) else None)
