"""Settings of LRCN's clip layers: from `param_str`, the environment, or their own defaults."""

import ast
import json
import os
from dataclasses import fields
from typing import Any

from caffe_lite.errors import DataError, did_you_mean
from caffe_lite.lrcn.clip_reader import ClipSettings

_TYPES = {each.name: each.type for each in fields(ClipSettings)}


def settings(param_str: str, variables: dict[str, str], defaults: dict[str, Any]) -> ClipSettings:
    """Merge `defaults`, environment variables and `param_str`, in increasing priority.

    `variables` maps settings to environment variables. `param_str` is a JSON object, or a Python
    dict of literals, whose keys are fields of ClipSettings. Raises DataError for an unknown key or
    a value of the wrong type.
    """
    merged = dict(defaults)
    for name, variable in variables.items():
        if variable in os.environ:
            merged[name] = _checked(name, os.environ[variable], f"variable {variable}")
    for name, value in _parse(param_str).items():
        if name not in _TYPES:
            raise DataError(
                f'param_str: unknown setting "{name}"{did_you_mean(name, _TYPES)}; the settings '
                f"are {', '.join(_TYPES)}"
            )
        merged[name] = _checked(name, value, "param_str")
    return ClipSettings(**merged)


def _parse(param_str: str) -> dict[str, Any]:
    if not param_str.strip():
        return {}
    try:
        value = json.loads(param_str)
    except ValueError:
        try:
            value = ast.literal_eval(param_str.strip())
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            value = None
    if not isinstance(value, dict):
        raise DataError(f'param_str must be a dict such as {{"root": "frames/"}}, got {param_str}')
    return value


def _checked(name: str, value: Any, source: str) -> Any:
    kind = _TYPES[name]
    if kind is str and isinstance(value, str):
        return value
    if kind is bool and isinstance(value, bool | int):
        return bool(value)
    if kind is int:
        if isinstance(value, str) and value.strip().isdigit():
            value = int(value)
        if type(value) is int and value > 0:
            return value
    if name == "mean":
        values = [value] * 3 if isinstance(value, int | float) else value
        if (
            isinstance(values, list | tuple)
            and len(values) == 3
            and all(isinstance(each, int | float) for each in values)
        ):
            return tuple(values)
    wanted: dict[Any, str] = {int: "a whole number from 1", bool: "true or false", str: "a string"}
    raise DataError(
        f'{source}: "{name}" must be '
        f"{wanted.get(kind, 'one number per channel: B, G, R')}, got {value!r}"
    )
