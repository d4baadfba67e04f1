"""Make a deploy definition from the one that a net was trained with, and check it.

    caffe_lite deploy train_val.prototxt --out deploy.prototxt --weights net.caffemodel

Data layers become inputs, losses the probabilities that they begin with; measures and what only
training needs are left out. Then both nets run on the same random input, and the outputs that both
have must be equal. Without --out the definition goes to stdout.
"""

from __future__ import annotations

import argparse
import sys

from caffe_lite.cli import options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = options.add_flag
    parser.add_argument("model", metavar="NET", help="the net's prototxt, with data and losses")
    add(parser, "out", metavar="FILE", help="the file to write (default: stdout)")
    add(parser, "weights", metavar="W[,W2]", help="weights for the check (default: random ones)")
    add(
        parser,
        "batch",
        type=options.positive,
        default=1,
        metavar="N",
        help="images for which inputs are made (default 1)",
    )
    options.add_shape(parser, "the shape of an input, where its definition leaves it open")
    options.add_level_and_stages(parser)
    add(parser, "no_check", action="store_true", help="do not run the nets")
    options.add_unknown_fields(parser)
    options.add_no_python_layers(parser)


def run(args: argparse.Namespace) -> int:
    from caffe_lite.cli.log import start_log
    from caffe_lite.errors import UsageError
    from caffe_lite.export.deploy import deploy_net, prove_deploy_net
    from caffe_lite.proto import load, text

    start_log(quiet=True)
    if args.no_check and args.weights:
        raise UsageError("--weights are only for the check, which --no-check leaves out")
    net = load.load_net(args.model, unknown=args.unknown_fields)
    state = args.level, options.stages(args), options.shapes(args)
    made = deploy_net(net, *state, args.batch)
    proof = None
    if not args.no_check:
        proof = prove_deploy_net(net, made, args.weights, *state)
        if proof.exit_code:
            print(proof.text(), file=sys.stderr)
            print("caffe_lite deploy: error: the nets differ; nothing is written", file=sys.stderr)
            return 1
    if args.out is None:
        print(text.format(made.param), end="")
        return 0
    text.write(args.out, made.param)
    shapes = ", ".join(f"{k} {'x'.join(map(str, v))}" for k, v in made.inputs.items())
    print(f"{args.out}: inputs {shapes}; outputs {', '.join(made.outputs)}")
    if made.left_out:
        print(f"left out: {', '.join(made.left_out)}")
    if proof is not None:
        print(f"checked: {len(proof.worst())} blobs are equal to those of {args.model}")
    return 0
