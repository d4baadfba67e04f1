"""Blobs named "<layer>/<number>", and the text that describes them.

Safetensors and npz files that this package writes hold one array for each blob, and a few texts:

format      the version of this description, "1"
layers      JSON: by layer name, in order, a list that has for each blob its "shape", its "crc32"
            (in safetensors), and "legacy": true for a shape of num, channels, height and width;
            null stands for a blob that the layer shares with an earlier one
definition  the net as a prototxt without weights; "" if it is not known
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from caffe_lite.errors import ModelError
from caffe_lite.proto.foreign import shorten
from caffe_lite.weights.stored import StoredBlob

FORMAT = "1"
MOST_BLOBS = 10_000  # of one layer; a higher number is damage, not a blob

Layers = Mapping[str, Sequence[StoredBlob | None]]


def blob_name(layer: str, index: int) -> str:
    """The name of a layer's blob; the last slash is followed by its number."""
    return f"{layer}/{index}"


def split_name(name: str) -> tuple[str, int] | None:
    """The layer and the number of a blob, or None if `name` is not of this form."""
    layer, slash, number = name.rpartition("/")
    if not slash or not number.isdecimal() or not number.isascii() or len(number) > 18:
        return None
    return layer, int(number)


def describe(
    layers: Layers, definition: str, sums: Mapping[str, int] | None = None
) -> dict[str, str]:
    """The texts for `layers`; `sums` are the CRC-32s of blobs by name."""
    listed: dict[str, list[dict[str, Any] | None]] = {}
    for layer, blobs in layers.items():
        listed[layer] = [
            None if blob is None else _described(blob, (sums or {}).get(blob_name(layer, i)))
            for i, blob in enumerate(blobs)
        ]
    return {
        "format": FORMAT,
        "layers": json.dumps(listed, ensure_ascii=False),
        "definition": definition,
    }


def _described(blob: StoredBlob, crc: int | None) -> dict[str, Any]:
    found: dict[str, Any] = {"shape": list(blob.shape)}
    if blob.legacy:
        found["legacy"] = True
    if crc is not None:
        found["crc32"] = f"{crc:08x}"
    return found


@dataclass
class Described:
    """The layers of a file, put in order by its description, if it has one."""

    layers: dict[str, list[StoredBlob | None]]
    definition: str
    sums: dict[str, int]  # CRC-32 by the blob's name


def arrange(path: str, blobs: Mapping[str, StoredBlob], texts: Mapping[str, Any]) -> Described:
    """The layers of the named `blobs` of the file at `path`.

    Without `layers` among the texts, layers are in the order of their first blob. Raises ModelError
    for other names, and for a description that does not fit the blobs.
    """
    found: dict[str, dict[int, StoredBlob]] = {}
    for name, blob in blobs.items():
        parts = split_name(name)
        if parts is None:
            raise ModelError(
                f'{path}: "{shorten(name)}" is not named as a blob, "<layer>/<number>"; '
                "`caffe_lite import` reads the weights of other programs"
            )
        layer, index = parts
        if index > MOST_BLOBS:
            raise ModelError(f'{path}: damaged: blob {index} of layer "{shorten(layer)}"')
        found.setdefault(layer, {})[index] = blob
    if "layers" not in texts:
        layers = {name: _listed(numbered) for name, numbered in found.items()}
        return Described(layers, "", {})
    if texts.get("format") != FORMAT:
        raise ModelError(
            f"{path}: written in format {shorten(str(texts.get('format')))} of caffe_lite's "
            f"weights, this version reads {FORMAT}"
        )
    try:
        return _by_description(found, json.loads(texts["layers"]), str(texts["definition"]))
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise ModelError(
            f"{path}: damaged: its description does not fit its blobs ({shorten(str(error), 80)})"
        ) from None


def _listed(numbered: Mapping[int, StoredBlob]) -> list[StoredBlob | None]:
    return [numbered.get(i) for i in range(max(numbered) + 1)]


def _by_description(
    found: Mapping[str, Mapping[int, StoredBlob]], described: Any, definition: str
) -> Described:
    layers: dict[str, list[StoredBlob | None]] = {}
    sums: dict[str, int] = {}
    for layer, entries in described.items():
        numbered = found.get(layer, {})
        layers[layer] = [numbered.get(i) for i in range(len(entries))]
        for i, (blob, entry) in enumerate(zip(layers[layer], entries, strict=True)):
            if (blob is None) != (entry is None):
                raise ValueError(f"blob {i} of {layer}")
            if blob is None:
                continue
            if list(blob.shape) != entry["shape"]:
                raise ValueError(f"blob {i} of {layer} has another shape")
            if entry.get("legacy"):
                if len(blob.shape) != 4:
                    raise ValueError(f"blob {i} of {layer} has no four axes")
                blob.legacy = True
            if "crc32" in entry:
                sums[blob_name(layer, i)] = int(entry["crc32"], 16)
        if len(numbered) > sum(entry is not None for entry in entries):
            raise ValueError(f"it lacks a blob of {layer}")
    if not layers.keys() >= found.keys():
        raise ValueError(f"it lacks {min(found.keys() - layers.keys())}")
    return Described(layers, definition, sums)
