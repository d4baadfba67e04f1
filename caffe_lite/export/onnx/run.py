"""ONNX Runtime beside the net: the proof of an exported model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from caffe_lite.errors import CaffeError
from caffe_lite.export.proof import Runner, Values
from caffe_lite.proto.files import read_bytes


class Session:
    """A model in ONNX Runtime on the CPU. Running it gives its outputs by name."""

    def __init__(self, data: bytes, name: str) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                data, options, providers=["CPUExecutionProvider"]
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


GIVEN = "/given"  # behind the name of a blob: an input that replaces it for the layers that take it


def _opened(data: bytes, blobs: Sequence[str], given: Sequence[str]) -> bytes | None:
    """The model with the values of those blobs that it names as outputs, too; None: it has them.

    The nodes that take a blob of `given` take an input of that name and GIVEN instead.
    """
    from onnx import ModelProto, TensorProto, helper

    model: Any = ModelProto.FromString(data)
    known = {output.name for output in model.graph.output}
    made = {name for node in model.graph.node for name in node.output} - known
    inner = [name for name in blobs if name in made]
    if not inner and not given:
        return None
    for node in model.graph.node:
        for i, name in enumerate(node.input):
            if name in given:
                node.input[i] = name + GIVEN
    model.graph.input.extend(
        helper.make_tensor_value_info(name + GIVEN, TensorProto.FLOAT, None) for name in given
    )
    model.graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in inner
    )
    serialized: bytes = model.SerializeToString()
    return serialized


def runner(path: Path, blobs: Sequence[str], given: Sequence[str] = ()) -> Runner:
    """A function that runs the file twice: as it is, and with the values of `blobs` too.

    The outputs of the file are those of the file as it is; with `given`, blobs whose values are
    inputs under their names and GIVEN, they are not.
    """
    data = read_bytes(path)
    whole = Session(data, str(path))
    more = _opened(data, blobs, given)
    if more is None:
        return whole
    opened, extra = Session(more, str(path)), {name + GIVEN for name in given}

    def run(values: Values) -> Values:
        outputs = whole({name: value for name, value in values.items() if name not in extra})
        return {**outputs, **opened(values)} if given else {**opened(values), **outputs}

    return run
