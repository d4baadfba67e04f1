"""Whether a definition is a net or a solver, by the first field that only one of the two has."""

from typing import Literal

from caffe_lite.errors import PrototxtError
from caffe_lite.proto import binary, schema
from caffe_lite.proto.files import StrPath, read_bytes
from caffe_lite.proto.sniff import describe, is_binary
from caffe_lite.proto.tokens import Tokens

Kind = Literal["net", "solver"]

_OPEN, _CLOSE = ("{", "<", "["), ("}", ">", "]")


def definition_kind(path: StrPath) -> Kind:
    """What the file at `path` defines, text or binary; "net" where it does not say.

    Mistakes in the file do not matter here: its reader reports them. Raises PrototxtError where
    the file cannot be read.
    """
    data = read_bytes(path)
    if is_binary(data) and not describe(data):
        return _binary_kind(data)
    return text_kind(data.decode("utf-8", "surrogateescape"))


def text_kind(text: str) -> Kind:
    """What a prototxt defines; see `definition_kind`."""
    net, solver = (
        set(message.DESCRIPTOR.fields_by_name)
        for message in (schema.NetParameter, schema.SolverParameter)
    )
    try:
        tokens, depth = Tokens(text, ""), 0
        while tokens.kind != "end":
            value = tokens.value
            depth += (value in _OPEN) - (value in _CLOSE)
            if not depth and tokens.kind == "name" and (value in net) != (value in solver):
                return "net" if value in net else "solver"
            tokens.advance()
    except PrototxtError:  # an unreadable token; its reader reports it with its place
        pass
    return "net"


def _binary_kind(data: bytes) -> Kind:
    try:
        net = binary.decode(data, schema.NetParameter, "")
    except PrototxtError:
        return "solver"
    return "net" if net.layer or net.layers or net.input else "solver"
