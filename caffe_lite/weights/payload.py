"""Nested state (dicts, lists, numbers, strings, host arrays) as bytes, without pickle."""

import io
import json
from typing import Any

import numpy as np

Array = Any

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
            return _restored(json.loads(stored[_TEXT].tobytes()), stored)
    except Exception as error:  # zipfile, json and NumPy each have their own
        raise ValueError(f"the saved state is damaged ({error})") from None


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
