"""V0 padding layers, folded into the convolution or pooling layer that they feed."""

from collections.abc import Iterable
from typing import Any

from caffe_lite.errors import PrototxtError
from caffe_lite.proto import schema
from caffe_lite.types import AnyMessage


def fold_padding(
    layers: Iterable[AnyMessage], inputs: Iterable[str], file: str
) -> list[AnyMessage]:
    """Copies of `layers` without those of type padding, whose `pad` moves to the layers they feed.

    `inputs` are the blobs that the net gets from outside.
    """
    folded = []
    producer: dict[str, Any] = dict.fromkeys(inputs)  # the layer that made each blob last
    for layer in layers:
        copy = schema.V1LayerParameter()
        copy.CopyFrom(layer)
        for i, bottom in enumerate(layer.bottom):
            if bottom not in producer:
                raise PrototxtError(
                    f'layer "{layer.layer.name}": no layer before it makes its bottom "{bottom}"',
                    file,
                )
            source = producer[bottom]
            if source is not None and source.layer.type == "padding":
                _check(layer, source, file)
                copy.layer.pad = source.layer.pad
                copy.bottom[i] = source.bottom[0]
        if layer.layer.type != "padding":
            folded.append(copy)
        producer.update(dict.fromkeys(layer.top, layer))
    return folded


def _check(layer: AnyMessage, padding: AnyMessage, file: str) -> None:
    name = padding.layer.name
    if layer.layer.type not in ("conv", "pool"):
        reason = f'feeds a layer of type "{layer.layer.type}"; it may only feed conv and pool'
    elif len(layer.bottom) != 1:
        reason = f'feeds "{layer.layer.name}", which has {len(layer.bottom)} bottoms; 1 is allowed'
    elif len(padding.bottom) != 1 or len(padding.top) != 1:
        reason = f"has {len(padding.bottom)} bottoms and {len(padding.top)} tops; 1 each is allowed"
    else:
        return
    raise PrototxtError(f'padding layer "{name}" {reason}', file)
