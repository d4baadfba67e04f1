"""Step forward and backward through a small net on one HTML page.

caffe_lite explain NET.prototxt   a net; its data layers become inputs with --shape
caffe_lite explain LSTM           a layer type, with small inputs that fit it

The page shows every number of every blob as a coloured grid, what each layer computes, the lines of
source that do it, and for each gradient the value that finite differences give. It is one file that
needs no network. Arrow keys step through it.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from caffe_lite.cli import options

if TYPE_CHECKING:
    import numpy as np

    from caffe_lite.nets.net import Net


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="NET|TYPE", help="a net's prototxt, or a layer type")
    options.add_flag(parser, "weights", metavar="FILE", help="trained weights (default: fillers)")
    options.add_net_state(parser, "TRAIN")
    options.add_shape(parser, "makes the data layer with this top an input of this shape")
    options.add_flag(
        parser,
        "input",
        metavar="FILE.npz",
        help="values of inputs, arrays by name (default: random; integers for labels)",
    )
    options.add_flag(
        parser,
        "classes",
        type=options.positive,
        default=2,
        metavar="N",
        help="random labels and indices are below N (default 2)",
    )
    options.add_flag(
        parser, "seed", type=options.natural, default=0, metavar="N", help="random seed (default 0)"
    )
    options.add_flag(
        parser, "out", metavar="FILE.html", help="file to write (default: explain.html)"
    )
    options.add_unknown_fields(parser)
    options.add_no_python_layers(parser)


def run(args: argparse.Namespace) -> int:
    from caffe_lite.cli.log import start_log
    from caffe_lite.explain.page import page
    from caffe_lite.explain.recording import record
    from caffe_lite.proto.atomic import atomic_path

    start_log(quiet=True)
    with _net(args) as net:
        steps, objective = record(net, args.seed)
        is_loss = any(net.blob_loss_weights.values())
        made = page(net.name or args.model, steps, objective, is_loss)
    out = args.out or "explain.html"
    with atomic_path(out) as partial:
        partial.write_text(made, encoding="utf-8")
    print(f"{out}: {len(steps)} steps through {len(net.layers)} layers")
    return 0


def _net(args: argparse.Namespace) -> Net:
    """The net, its inputs filled."""
    import os

    from caffe_lite.backend import get_ops
    from caffe_lite.explain.inputs import fill, sample_net, with_inputs
    from caffe_lite.layers.registry import layer_types
    from caffe_lite.nets.graph import with_state
    from caffe_lite.nets.net import Net
    from caffe_lite.proto import load

    phase, shapes = options.phase(args), options.shapes(args)
    given = _given(args.input)
    if args.model in layer_types() and not os.path.exists(args.model):
        net = sample_net(args.model, shapes, phase, args.seed)
    else:
        definition = load.load_net(args.model, unknown=args.unknown_fields)
        stated = with_state(definition, phase, args.level, options.stages(args))
        stated = with_inputs(stated, shapes)
        stated.force_backward = True
        net = Net(stated, None, get_ops(dtype="float64"), seed=args.seed, source=args.model)
    try:
        if args.weights:
            net.copy_trained_layers_from(args.weights)
        fill(net, given, args.classes, args.seed)
    except BaseException:
        net.close()
        raise
    return net


def _given(path: str | None) -> dict[str, np.ndarray]:
    """The arrays of an .npz file."""
    if path is None:
        return {}
    from caffe_lite.weights.mapped import MappedFile
    from caffe_lite.weights.npz import read_arrays

    blobs, _, _ = read_arrays(MappedFile(path))
    return {name: blob.array() for name, blob in blobs.items()}
