"""Draw a net as a graph: SVG, PNG, DOT, or a page to look around in.

    caffe_lite draw train_val.prototxt net.svg
    caffe_lite draw train_val.prototxt net.png --phase ALL --rankdir LR
    caffe_lite draw train_val.prototxt --out net.html

Boxes are layers, with those that work in place attached below; lines carry the shapes of blobs.
Layers that one phase alone has say so, and so do layers with the weights of another. The page has
zoom, a search, and the prototxt and the description of the layer that is clicked; it is one file
and loads nothing. Graphviz is not needed.
"""

from __future__ import annotations

import argparse

from caffe_lite.cli import options

ENDINGS = (".svg", ".png", ".dot", ".html")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = options.add_flag
    parser.add_argument("model", metavar="NET", help="the net's prototxt")
    parser.add_argument(
        "target", nargs="?", metavar="OUT", help=f"the drawing ({', '.join(ENDINGS)})"
    )
    add(parser, "out", metavar="OUT", help="the same as OUT")
    add(
        parser,
        "phase",
        choices=("TRAIN", "TEST", "ALL", "train", "test", "all"),
        default="TRAIN",
        metavar="PHASE",
        help="TRAIN (default), TEST, or ALL: the layers of both",
    )
    options.add_level_and_stages(parser)
    add(
        parser,
        "rankdir",
        choices=("TB", "LR"),
        default="TB",
        help="from top to bottom (TB, default) or from left to right (LR)",
    )
    options.add_shape(parser, "the shape of an input, where its definition leaves it open")
    options.add_unknown_fields(parser)
    options.add_no_python_layers(parser)


def run(args: argparse.Namespace) -> int:
    import os

    from caffe_lite.cli.log import start_log
    from caffe_lite.draw.graph import net_graph
    from caffe_lite.draw.write import encode
    from caffe_lite.errors import UsageError
    from caffe_lite.proto import load
    from caffe_lite.proto.atomic import atomic_path
    from caffe_lite.trust import trusting

    start_log(quiet=True)
    if (args.target is None) == (args.out is None):
        raise UsageError("name the drawing once: OUT or --out OUT")
    out = args.target or args.out
    form = os.path.splitext(out)[1].lower()
    if form not in ENDINGS:
        raise UsageError(f"{out}: drawings are written as {', '.join(ENDINGS)}")
    net = load.load_net(args.model, unknown=args.unknown_fields)
    with trusting(False):  # a net is described, not run
        graph = net_graph(
            net,
            args.phase.upper(),
            args.level,
            options.stages(args),
            options.shapes(args),
            args.model,
        )
    content = encode(graph, form[1:], args.rankdir)
    with atomic_path(out) as partial:
        partial.write_bytes(content)
    layers = sum(len(box.parts) for box in graph.boxes)
    print(f"{out}: {layers} layer{'s' * (layers != 1)}")
    for note in graph.notes:
        print(note)
    return 0
