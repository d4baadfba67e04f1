"""Nested state (dicts, lists, numbers, strings, host arrays) as bytes, without pickle."""

import io
import json
import zipfile
from typing import Any

import numpy as np

from caffe_lite.proto.foreign import reason
from caffe_lite.types import Array

_ARRAY = "__array__"
_TEXT = "json"


def dumps(state: dict[str, Any]) -> bytes:
    """`state` as an uncompressed .npz: its arrays, and JSON text that refers to them.

    Keys become strings and tuples lists. Raises TypeError for a value of another kind.
    """
    arrays: dict[str, Array] = {}
    text = json.dumps(_plain(state, arrays, "state"))
    buffer = io.BytesIO()
    np.savez(
        buffer, allow_pickle=False, **{_TEXT: np.frombuffer(text.encode(), np.uint8)}, **arrays
    )
    return buffer.getvalue()


def loads(data: bytes) -> dict[str, Any]:
    """The state that `dumps` wrote; ValueError if the bytes are damaged."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as stored:
            _check_sizes(stored.zip, len(data))
            arrays = {name: stored[name] for name in stored.files}  # each is read once
            found = _restored(json.loads(arrays[_TEXT].tobytes()), arrays)
    except Exception as error:  # zipfile, json and NumPy each have their own
        raise ValueError(f"the saved state is damaged ({reason(error)})") from None
    if not isinstance(found, dict):
        raise ValueError("the saved state is damaged (not a dict)")
    return found


def _check_sizes(archive: zipfile.ZipFile, size: int) -> None:
    """`dumps` compresses nothing, so that the arrays together are no larger than the file."""
    members = archive.infolist()
    compressed = any(member.compress_type != zipfile.ZIP_STORED for member in members)
    if compressed or sum(member.file_size for member in members) > size:
        raise ValueError(f"its arrays are larger than its {size} bytes")


def _plain(value: Any, arrays: dict[str, Array], place: str) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item, arrays, f"{place}.{key}") for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item, arrays, f"{place}[{i}]") for i, item in enumerate(value)]
    if isinstance(value, np.ndarray) and value.dtype != object:
        name = f"array{len(arrays)}"
        arrays[name] = value
        return {_ARRAY: name}
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"{place} is a {type(value).__name__}, which a snapshot cannot hold")


def _restored(value: Any, stored: Any) -> Any:
    if isinstance(value, dict):
        if value.keys() == {_ARRAY}:
            return stored[value[_ARRAY]]
        return {key: _restored(item, stored) for key, item in value.items()}
    if isinstance(value, list):
        return [_restored(item, stored) for item in value]
    return value
