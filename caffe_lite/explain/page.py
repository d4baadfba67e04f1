"""The page: one HTML file with its style, its script and the recorded numbers."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Sequence
from importlib.resources import files
from typing import Any

import numpy as np

from caffe_lite.explain import texts
from caffe_lite.explain.recording import Step
from caffe_lite.layers.base import Layer

DIGITS = 6


def page(title: str, steps: Sequence[Step], objective: float, is_loss: bool) -> str:
    """The HTML of recorded steps. It loads nothing from anywhere else."""
    layers = list({id(step.layer): step.layer for step in steps}.values())
    content = {
        "title": title,
        "objective": _rounded(objective),
        "isLoss": is_loss,
        "layers": [texts.about(layer) for layer in layers],
        "steps": [_step(step, layers) for step in steps],
    }
    parts = files("caffe_lite.explain")
    made = parts.joinpath("page.html").read_text(encoding="utf-8")
    for mark, value in (
        ("TITLE", html.escape(title)),
        ("STYLE", parts.joinpath("page.css").read_text(encoding="utf-8")),
        ("SCRIPT", _script_safe(parts.joinpath("page.js").read_text(encoding="utf-8"))),
        ("CONTENT", _script_safe(json.dumps(content, separators=(",", ":")))),
    ):
        made = made.replace(f"@{mark}@", value, 1)
    return made


def _script_safe(text: str) -> str:
    """Text that cannot end the script element it is in: names come from strangers' files."""
    return text.replace("</", "<\\/").replace("<!--", "<\\!--")


def _step(step: Step, layers: list[Layer]) -> dict[str, Any]:
    method = "backward" if step.backward else "forward"
    return {
        "layer": layers.index(step.layer),
        "backward": step.backward,
        "bottoms": step.bottoms,
        "tops": step.tops,
        "params": step.params,
        "changes": {key: _array(values) for key, values in step.changes.items()},
        "checks": {key: _flat(values) for key, values in step.checks.items()},
        "overTime": {name: _array(values) for name, values in step.over_time.items()},
        "source": texts.source(step.layer, method)["parts"],
    }


def _array(values: np.ndarray) -> dict[str, Any]:
    return {"shape": list(values.shape), "values": _flat(values)}


def _flat(values: np.ndarray) -> list[float | None]:
    return list(_all_rounded(values.ravel().tolist()))


def _all_rounded(values: Iterable[float]) -> Iterable[float | None]:
    return (_rounded(value) for value in values)


def _rounded(value: float) -> float | None:
    """The number to six digits; None, which JSON has, for NaN and infinity."""
    return float(f"{value:.{DIGITS}g}") if np.isfinite(value) else None
