"""LRCN: generate its nets, reproduce its experiments."""

import argparse
from pathlib import Path
from typing import Any

from caffe_lite.cli import options
from caffe_lite.cli.commands import Parser
from caffe_lite.cli.reproduce import command as reproduce
from caffe_lite.cli.unused_options import refuse

ACTIVITY = ("features", "modality", "classes", "frames", "clips", "test_clips", "crop")
CAPTIONS = ("unfactored", "words", "data", "buffer", "steps")
NET = """Generate LRCN's nets and solvers.

caffe_lite lrcn net --task activity --features fc7 --units 512 --out nets/
    writes train_test.prototxt, deploy.prototxt and solver.prototxt of an activity net
caffe_lite lrcn net --task captions --layers 3 --words 9000 --out nets/
    writes train_test.prototxt and solver.prototxt for a frozen convnet, the same with finetune_ in
    front for the whole net, and the deploy nets image.deploy.prototxt and
    word_to_preds.deploy.prototxt

The files are ordinary prototxts; layers have the names of LRCN's published nets, so weights of
those load. Start `caffe_lite train` in the folder of the files.
"""


def add_arguments(parser: Parser) -> None:
    parser.add_tasks("what", "TASK")
    _add_net(parser.add_task("net", NET, run_net))
    reproduce.add_arguments(parser.add_task("reproduce", reproduce.__doc__ or "", reproduce.run))


def _add_net(parser: argparse.ArgumentParser) -> None:
    add = options.add_flag
    add(parser, "task", choices=("activity", "captions"), required=True, help="what the net is for")
    add(parser, "out", required=True, metavar="DIR", help="where to write the files")
    add(
        parser,
        "layers",
        type=options.natural,
        metavar="N",
        help="LSTM layers (default: activity 1, captions 2); 0 for activities in single frames",
    )
    add(
        parser,
        "units",
        type=options.positive,
        metavar="N",
        help="units of each LSTM layer (default: activity 256, captions 1000)",
    )
    activity = parser.add_argument_group("activity nets")
    add(
        activity,
        "features",
        choices=("fc6", "fc7"),
        help="what the LSTM reads (default fc6; for single frames fc7)",
    )
    add(activity, "modality", choices=("rgb", "flow"), help="RGB (default) or flow images")
    for name, what in (
        ("classes", "classes (default 101)"),
        ("frames", "frames per clip (default 16)"),
        ("clips", "clips per training batch (default 24)"),
        ("test_clips", "clips per test batch (default 3)"),
        ("crop", "pixels of a crop's side (default 227)"),
    ):
        add(activity, name, type=options.positive, metavar="N", help=what)
    captions = parser.add_argument_group("captioners")
    add(
        captions,
        "unfactored",
        action="store_true",
        help="the first LSTM layer sees the image, instead of the last",
    )
    add(
        captions,
        "words",
        type=options.positive,
        metavar="N",
        help="ids: one more than vocabulary.txt has lines (default 8801)",
    )
    add(
        captions,
        "data",
        metavar="DIR",
        help="what `captions prepare` wrote (default h5_data/buffer_100)",
    )
    for name, what in (
        ("buffer", "images per batch, as prepared (default 100)"),
        ("steps", "words per sentence, as prepared (default 20)"),
    ):
        add(captions, name, type=options.positive, metavar="N", help=what)


def run_net(args: argparse.Namespace) -> int:
    from caffe_lite.errors import UsageError
    from caffe_lite.lrcn.generate import Activity, Captions, activity_files, caption_files
    from caffe_lite.proto.atomic import atomic_path

    mine, others = (ACTIVITY, CAPTIONS) if args.task == "activity" else (CAPTIONS, ACTIVITY)
    refuse(args, others, f"with --task {args.task}")
    given: dict[str, Any] = {
        name: getattr(args, name)
        for name in ("layers", "units", *mine)
        if getattr(args, name) is not None
    }
    if args.task == "activity":
        files = activity_files(Activity(**given))
    else:
        given["is_factored"] = not given.pop("unfactored") and given.get("layers") != 1
        files = caption_files(Captions(**given))
    out = Path(args.out)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--out {args.out}: {error.strerror}") from None
    for name, content in files.items():
        with atomic_path(out / name) as partial:
            partial.write_text(content)
        print(out / name)
    return 0
