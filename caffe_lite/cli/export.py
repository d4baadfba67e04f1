"""Carry a net over to another format, and prove that it computes the same there.

NET is the prototxt of a net, W its weights. Data layers become inputs; losses and measures are left
out. A layer that the format cannot express exactly ends the export with its name, and nothing is
written. Afterwards the exported net runs beside the original one on random inputs of the given
shapes and of others; the table shows the largest difference of every blob that both have, relative
to the blob's largest value. The exit code is 1 if one is above the tolerance.

Example:
    caffe_lite export deploy.prototxt --weights net.caffemodel --to onnx --shape data=1,3,227,227
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from caffe_lite.cli import options

if TYPE_CHECKING:
    from caffe_lite.export.formats import Format, Job, Options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="NET", help="the net's prototxt")
    options.add_flag(parser, "weights", metavar="W[,W2]", help="the weights of its layers")
    options.add_flag(parser, "to", required=True, metavar="FORMAT", help="the format: onnx, ...")
    options.add_flag(
        parser, "out", metavar="FILE", help="the file to write (default: NET with other suffix)"
    )
    options.add_net_state(parser, "TEST")
    options.add_shape(parser, "the shape of an input, where its definition leaves it open")
    options.add_flag(
        parser, "opset", type=options.positive, metavar="N", help="ONNX: the operator set"
    )
    options.add_flag(
        parser,
        "one_sequence",
        action="store_true",
        help="every sequence begins at the first time step only: recurrent layers become the "
        "format's own ones",
    )
    options.add_flag(
        parser,
        "mean",
        metavar="MEAN",
        help="subtract this from the images inside the net: a number for each channel, as "
        "104,117,123, a mean file or an .npy file, in the net's order of channels",
    )
    options.add_flag(
        parser,
        "scale",
        type=float,
        default=1.0,
        metavar="X",
        help="multiply the images by this inside the net, after the mean (default 1)",
    )
    options.add_flag(
        parser,
        "bgr",
        action="store_true",
        help="take RGB images, and turn them into the BGR of the net inside it",
    )
    options.add_flag(
        parser, "no_check", action="store_true", help="leave the proof out, and say so in the file"
    )
    options.add_flag(
        parser, "check_backward", action="store_true", help="compare gradients in the proof too"
    )
    options.add_flag(
        parser,
        "tolerance",
        type=float,
        default=None,
        metavar="X",
        help="largest relative difference allowed (default 1e-4)",
    )
    options.add_unknown_fields(parser)
    options.add_no_python_layers(parser)


def run(args: argparse.Namespace) -> int:
    from caffe_lite.cli.log import start_log
    from caffe_lite.export.formats import find_format

    start_log(quiet=True)
    target = find_format(args.to)
    chosen = _options(args, target)
    target.require_packages(chosen.checked)
    path = Path(args.out or Path(args.model).with_suffix(target.suffix))
    if path.exists() and path.samefile(args.model):
        from caffe_lite.errors import UsageError

        raise UsageError(f"--out {path} would overwrite the net; choose another file")
    job = _job(args, chosen)
    with job.net:
        for written in target.write(job, path):
            print(f"{written}: written")
        if job.inference.left_out:
            print(f"left out: {', '.join(job.inference.left_out)}")
        if not chosen.checked:
            print("not checked (--no-check)")
            return 0
        proof = target.check(job, path)
        print(proof.text())
        return proof.exit_code


def _options(args: argparse.Namespace, target: Format) -> Options:
    """What the options say; UsageError for those that the format does not know."""
    from caffe_lite.errors import UsageError
    from caffe_lite.export.formats import Options
    from caffe_lite.export.preprocess import Preprocess, read_mean_option
    from caffe_lite.export.proof import TOLERANCE

    tolerance = TOLERANCE if args.tolerance is None else args.tolerance
    if not tolerance > 0:
        raise UsageError(f"--tolerance must be above 0, got {tolerance}")
    if args.no_check and (args.check_backward or args.tolerance is not None):
        raise UsageError("--no-check excludes --check-backward and --tolerance")
    mean = None if args.mean is None else read_mean_option(args.mean)
    chosen = Options(
        args.opset,
        args.one_sequence,
        Preprocess(mean, args.scale, args.bgr),
        not args.no_check,
        args.check_backward,
        tolerance,
    )
    for name in ("opset", "one_sequence", "preprocess", "check_backward"):
        if getattr(chosen, name) and name not in target.options:
            flags = {"preprocess": "--mean, --scale and --bgr"}
            flag = flags.get(name, f"--{name.replace('_', '-')}")
            raise UsageError(f"{flag}: not for the format {target.name}")
    return chosen


def _job(args: argparse.Namespace, chosen: Options) -> Job:
    """The net in its inference form, with its weights."""
    from caffe_lite.errors import ModelError, UsageError
    from caffe_lite.export.formats import Job
    from caffe_lite.export.inference_net import inference_net
    from caffe_lite.nets.net import Net
    from caffe_lite.proto import load

    definition = load.load_net(args.model, unknown=args.unknown_fields)
    inference = inference_net(
        definition, options.phase(args), args.level, options.stages(args), options.shapes(args)
    )
    net = Net(inference.param, seed=0, source=args.model)
    if args.weights:
        missing = net.copy_trained_layers_from(args.weights).missing
        if missing:
            raise ModelError(f"{args.weights}: has no weights for {', '.join(missing)}")
    elif net.params:
        names = list(net.params)
        more = f" and {len(names) - 3} more layers" if len(names) > 3 else ""
        raise UsageError(f"--weights is missing: {', '.join(names[:3])}{more} have learned blobs")
    return Job(net, inference, definition, chosen, args.model)
