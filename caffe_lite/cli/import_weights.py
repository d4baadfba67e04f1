"""Bring weights of PyTorch or Keras into a prototxt's net, and write them as a caffemodel.

The checkpoint is a .safetensors, .npz, .pth (PyTorch's state_dict) or .h5 file (Keras). Which
tensor becomes which blob is guessed: by name where names agree, else by order and shape. The map is
printed; --save-map writes it as a file, to be edited and given back with --map. Layouts are
converted: Keras's kernels, the order of an LSTM's gates, BatchNorm to Caffe's BatchNorm and Scale.
BatchNorm's eps is not in a checkpoint; the prototxt must have it.

OUT's name decides the format: .caffemodel, .h5, .npz or .safetensors. Nothing is written if a blob
has no tensor, or several fit.

Example:
    caffe_lite import deploy.prototxt --from model.safetensors --out model.caffemodel
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING

from caffe_lite.cli import options

if TYPE_CHECKING:
    from caffe_lite.importer.checkpoint import Checkpoint
    from caffe_lite.importer.expressions import Expression
    from caffe_lite.nets.net import Net


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="NET", help="the net's prototxt")
    options.add_flag(
        parser, "from", required=True, metavar="CHECKPOINT", help="the weights to bring in"
    )
    options.add_flag(parser, "out", metavar="FILE", help="the weights file to write")
    options.add_flag(
        parser, "map", metavar="FILE", help="the map of blobs and tensors, in place of a guess"
    )
    options.add_flag(
        parser, "save_map", metavar="FILE", help="write the guess, with ? where there is none"
    )
    options.add_net_state(parser, "TEST")
    options.add_shape(parser, "the shape of an input, where its definition leaves it open")
    options.add_unknown_fields(parser)
    options.add_no_python_layers(parser)


def run(args: argparse.Namespace) -> int:
    from caffe_lite.cli.log import start_log
    from caffe_lite.errors import UsageError
    from caffe_lite.export.inference_net import inference_net
    from caffe_lite.importer.checkpoint import read_checkpoint
    from caffe_lite.importer.name_map import map_text
    from caffe_lite.nets.net import Net
    from caffe_lite.proto import load
    from caffe_lite.weights.convert import kind_of

    start_log(quiet=True)
    if not args.out and not args.save_map:
        raise UsageError("give --out for the weights, or --save-map for the map alone")
    if args.out:
        kind_of(args.out)
    definition = load.load_net(args.model, unknown=args.unknown_fields)
    inference = inference_net(
        definition, options.phase(args), args.level, options.stages(args), options.shapes(args)
    )
    checkpoint = read_checkpoint(getattr(args, "from"))
    with Net(inference.param, seed=0, source=args.model) as net:
        entries, problems, unused = _entries(args, net, checkpoint)
        print(map_text(entries, problems), end="")
        if unused:
            print(f"not used: {', '.join(unused)}")
        if args.out:
            _write(args, net, entries, problems, checkpoint)
    return 0


def _entries(
    args: argparse.Namespace, net: Net, checkpoint: Checkpoint
) -> tuple[Mapping[str, Expression], Mapping[str, str], list[str]]:
    """The map, what is wrong with it by blob, and the tensors that it does not use."""
    from caffe_lite.importer.guess import guess
    from caffe_lite.importer.load import blobs_of
    from caffe_lite.importer.name_map import read_map, write_map

    if args.map:
        entries = read_map(args.map, blobs_of(net), checkpoint.tensors)
        used = {name for entry in entries.values() for name in entry.tensors}
        return entries, {}, [name for name in checkpoint.tensors if name not in used]
    found = guess(net, checkpoint)
    if args.save_map:
        write_map(args.save_map, found.entries, found.problems)
    return found.entries, found.problems, found.unused


def _write(
    args: argparse.Namespace,
    net: Net,
    entries: Mapping[str, Expression],
    problems: Mapping[str, str],
    checkpoint: Checkpoint,
) -> None:
    from caffe_lite.errors import ModelError
    from caffe_lite.export.stored import write_weights
    from caffe_lite.importer.load import load_blobs

    if problems:
        distinct = list(dict.fromkeys(problems.values()))
        more = f", and {len(distinct) - 1} more" if len(distinct) > 1 else ""
        raise ModelError(
            f"{distinct[0]}{more}; write the guess with --save-map, edit it, and give it as --map"
        )
    load_blobs(net, entries, checkpoint)
    write_weights(net, args.out)
    print(f"{args.out}: {len(entries)} blobs written")
