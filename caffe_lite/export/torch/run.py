"""Exported modules at work: loaded from their files, and run with all that `forward` computes."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import FrameType
from typing import Any

from caffe_lite.errors import ModelError
from caffe_lite.types import Array


def load_net(path: Path, weights: Path | None = None) -> Any:
    """The `Net` of an exported module, with its weights, in evaluation mode."""
    spec = spec_from_file_location(f"caffe_lite_exported_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ModelError(f"{path}: not a Python file")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Net.load(weights)


def run(net: Any, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The variables of `forward` as they are when it returns; `inputs` are tensors by argument.

    So that all blobs can be compared, while `forward` itself returns only the outputs.
    """
    code = type(net).forward.__code__
    found: dict[str, Any] = {}

    def watch(frame: FrameType, event: str, _: object) -> None:
        if event == "return" and frame.f_code is code:
            found.update(frame.f_locals)

    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        net(**inputs)
    finally:
        sys.setprofile(before)
    return found


def run_arrays(
    net: Any, variables: Mapping[str, str], inputs: Mapping[str, Array]
) -> dict[str, Array]:
    """All blobs by name, of inputs by name, without gradients; recurrent layers begin at zero.

    `variables` are the names of blobs by variable.
    """
    import torch

    if hasattr(net, "reset"):
        net.reset()
    by_blob = {blob: variable for variable, blob in variables.items()}
    given = {by_blob[name]: torch.from_numpy(value.copy()) for name, value in inputs.items()}
    with torch.no_grad():
        found = run(net, given)
    return {blob: found[variable].detach().numpy() for variable, blob in variables.items()}
