"""Check the backward pass of every layer of a net against finite differences.

The net is built in float64 and run forward once; each layer is then checked at the data that
reached it, layers of plugins and of type "Python" included. Layers whose data a later layer
overwrites in place before their backward pass reads them are named as well. Inputs are filled with
random numbers; for labels and indices, --integers fills them with integers below a bound.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from caffe_lite.cli import options

if TYPE_CHECKING:
    from caffe_lite.nets.net import Net


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_flag(parser, "model", required=True, metavar="NET", help="the net's prototxt")
    options.add_flag(parser, "layer", metavar="NAME", help="check only this layer")
    options.add_net_state(parser, "TRAIN")
    options.add_flag(
        parser,
        "integers",
        action="append",
        default=[],
        metavar="INPUT=BOUND",
        help="fill this input with integers from 0 to BOUND - 1",
    )
    options.add_flag(
        parser,
        "tolerance",
        type=float,
        default=1e-6,
        metavar="X",
        help="largest relative error allowed (default 1e-6)",
    )
    options.add_flag(
        parser,
        "seed",
        type=options.natural,
        default=0,
        metavar="N",
        help="random seed of weights, inputs and directions (default 0)",
    )
    options.add_unknown_fields(parser)
    options.add_no_python_layers(parser)


def run(args: argparse.Namespace) -> int:
    from caffe_lite.backend import get_ops
    from caffe_lite.cli.log import start_log
    from caffe_lite.errors import UsageError
    from caffe_lite.nets.overwritten import overwritten
    from caffe_lite.testing.net_check import check_net

    if not args.tolerance > 0:
        raise UsageError(f"--tolerance must be positive, got {args.tolerance:g}")
    start_log(quiet=True)
    with options.net(args, get_ops(dtype="float64"), args.seed) as net:
        filled = _fill_integers(net, args)
        rows = [("layer", "type", "blob", "error", "at", "backward", "difference")]
        all_fine = True
        for check in check_net(net, args.layer, args.seed, filled):
            name, kind = check.layer.name, check.layer.type
            all_fine &= not check.failed
            if check.note:
                rows.append((name, kind, "-", check.note, "", "", ""))
            for result in check.results:
                fine = result.error <= args.tolerance
                all_fine &= fine
                error = f"{result.error:.1e}{'' if fine else ' WRONG'}"
                rows.append(
                    (
                        name,
                        kind,
                        result.blob,
                        error,
                        result.place,
                        f"{result.analytic:.6g}",
                        f"{result.numeric:.6g}",
                    )
                )
                name = kind = ""
        spoiled = [str(each) for each in overwritten(net) if args.layer in (None, each.reader.name)]
    widths = [max(len(row[i]) for row in rows if len(row[3]) < 40) for i in range(7)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())
    for line in spoiled:
        print(line)
    if not all_fine:
        print(f"some gradients do not agree within {args.tolerance:g}")
    elif spoiled:
        print("each layer's gradients agree by themselves, but in this net some are wrong")
    else:
        print("all gradients agree")
    return 0 if all_fine and not spoiled else 1


def _fill_integers(net: Net, args: argparse.Namespace) -> list[str]:
    """Fill the inputs that --integers names, and return their names."""
    import numpy as np

    from caffe_lite.errors import UsageError, did_you_mean

    rng = np.random.default_rng(args.seed)
    filled = []
    for given in args.integers:
        name, _, bound = given.partition("=")
        if not bound.isdecimal() or len(bound) > 15 or int(bound) < 1:
            raise UsageError(f"--integers {given}: expected INPUT=BOUND, as --integers label=10")
        if name not in net.inputs:
            raise UsageError(
                f'--integers {given}: the net has no input "{name}"{did_you_mean(name, net.inputs)}'
            )
        blob = net.blobs[name]
        blob.data[...] = net.ops.asarray(rng.integers(0, int(bound), blob.shape))
        filled.append(name)
    return filled
