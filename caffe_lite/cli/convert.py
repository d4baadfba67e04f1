"""Convert weights between caffemodel, HDF5, npz and safetensors files.

caffe_lite convert net.caffemodel net.safetensors
caffe_lite convert net.safetensors net.caffemodel.h5

OUT's name decides the format: .caffemodel, .h5 (or .hdf5), .npz or .safetensors; IN's content does.
Layer names, shapes, types and values stay as they are, bit for bit, and so does the definition of
the net that a caffemodel holds. In npz and safetensors files a blob is the array
"<layer>/<number>", such as conv1/0. Half precision becomes float32 in a caffemodel. An existing OUT
is replaced only when the conversion succeeds.
"""

import argparse

from caffe_lite.cli import options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="IN", help="the weights")
    parser.add_argument("target", metavar="OUT", help="the file to write")
    options.add_flag(
        parser,
        "to",
        choices=("caffemodel", "hdf5", "npz", "safetensors"),
        metavar="FORMAT",
        help="the format of OUT, whatever its name: caffemodel, hdf5, npz or safetensors",
    )
    options.add_flag(
        parser,
        "net",
        metavar="FILE",
        help="the net's definition, to be stored in place of the one in IN; it also says which "
        "blobs are shared, which HDF5 files leave out",
    )
    options.add_unknown_fields(parser)


def run(args: argparse.Namespace) -> int:
    from caffe_lite.cli.log import start_log
    from caffe_lite.proto.load import load_net
    from caffe_lite.weights.convert import convert, kind_of

    start_log(quiet=True)
    kind = args.to or kind_of(args.target)
    net = load_net(args.net, unknown=args.unknown_fields) if args.net else None
    found = convert(args.source, args.target, kind, net)
    without = "" if found.has_definition else "; without the net's definition"
    print(
        f"{args.target}: {kind}, {found.layers} layers, {found.blobs} blobs, "
        f"{found.values} numbers{without}"
    )
    return 0
