"""Convert an old net or solver definition to the current format.

caffe_lite upgrade net IN OUT       V0 and V1 layers, top-level inputs, transforms in data layers
caffe_lite upgrade solver IN OUT    solver_type enum

IN is text or binary. OUT is text if its name ends in .prototxt (or .txt, .pbtxt, .pt), binary if it
ends in .caffemodel, .binaryproto or .pb, and otherwise the same as IN. An existing OUT is replaced
only when the conversion succeeds.
"""

import argparse
from pathlib import Path

from caffe_lite.cli import options

_TEXT = {".prototxt", ".pbtxt", ".txt", ".pt"}
_BINARY = {".caffemodel", ".binaryproto", ".pb"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "kind", choices=("net", "solver"), metavar="KIND", help="what IN holds: net or solver"
    )
    parser.add_argument("source", metavar="IN", help="the old file")
    parser.add_argument("target", metavar="OUT", help="the file to write")
    options.add_unknown_fields(parser)


def run(args: argparse.Namespace) -> int:
    from caffe_lite.cli.log import start_log
    from caffe_lite.proto import binary, load, schema, text
    from caffe_lite.proto.files import read_bytes
    from caffe_lite.proto.sniff import is_binary
    from caffe_lite.proto.upgrade import upgrade_net, upgrade_solver

    start_log(quiet=True)
    data = read_bytes(args.source)
    message_class, upgrade = {
        "net": (schema.NetParameter, upgrade_net),
        "solver": (schema.SolverParameter, upgrade_solver),
    }[args.kind]
    message = upgrade(
        load.decode(data, message_class, args.source, args.unknown_fields), args.source
    )
    suffix = Path(args.target).suffix.lower()
    as_text = suffix in _TEXT or (suffix not in _BINARY and not is_binary(data))
    (text if as_text else binary).write(args.target, message)
    print(f"{args.target}: {args.kind} in the current format, {'text' if as_text else 'binary'}")
    return 0
