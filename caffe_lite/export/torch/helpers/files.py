"""Weights from a file."""

import json
from pathlib import Path

import torch


def read_safetensors(path: str | Path) -> dict[str, torch.Tensor]:
    """The tensors of a safetensors file: a JSON header that says where each one lies."""
    data = bytearray(Path(path).read_bytes())
    start = 8 + int.from_bytes(data[:8], "little")
    tensors = {}
    for name, entry in json.loads(data[8:start]).items():
        if name != "__metadata__":
            first, last = (start + offset for offset in entry["data_offsets"])
            values = torch.empty(0)
            if last > first:
                values = torch.frombuffer(
                    data, dtype=torch.float32, count=(last - first) // 4, offset=first
                )
            tensors[name] = values.reshape(entry["shape"]).clone()
    return tensors
