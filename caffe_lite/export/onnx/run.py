"""ONNX Runtime beside the net: the proof of an exported model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from caffe_lite.errors import CaffeError
from caffe_lite.export.proof import Runner, Values
from caffe_lite.proto.files import read_bytes


class Session:
    """A model in ONNX Runtime on the CPU. Running it gives its outputs by name.

    With `blobs` the values of these are outputs as well.
    """

    def __init__(self, data: bytes, name: str, blobs: Sequence[str] = ()) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                _with_outputs(data, blobs) if blobs else data,
                options,
                providers=["CPUExecutionProvider"],
            )
        except Exception as error:  # its errors have no common base that it exports
            raise CaffeError(f"{name}: ONNX Runtime cannot load it: {error}") from error
        self._name = name
        self._outputs = [output.name for output in self._session.get_outputs()]

    def __call__(self, inputs: Values) -> Values:
        try:
            values = self._session.run(self._outputs, dict(inputs))
        except Exception as error:
            raise CaffeError(f"{self._name}: ONNX Runtime cannot run it: {error}") from error
        return dict(zip(self._outputs, values, strict=True))


def _with_outputs(data: bytes, blobs: Sequence[str]) -> bytes:
    """The model with the values of those blobs that it names as outputs, too."""
    from onnx import ModelProto, TensorProto, helper

    model: Any = ModelProto.FromString(data)
    known = {output.name for output in model.graph.output}
    made = {name for node in model.graph.node for name in node.output}
    model.graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
        for name in blobs
        if name in made - known
    )
    serialized: bytes = model.SerializeToString()
    return serialized


def runner(path: Path, blobs: Sequence[str]) -> Runner:
    """A function that runs the file twice: as it is, and with the values of `blobs` too.

    The outputs of the file are those of the file as it is.
    """
    data = read_bytes(path)
    whole, opened = Session(data, str(path)), Session(data, str(path), blobs)
    return lambda values: {**opened(values), **whole(values)}
