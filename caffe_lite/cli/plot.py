"""Draw the curves of one or several trainings: loss, test scores, learning rate.

    caffe_lite plot curves.png logs/                         a folder of `train --log-dir`
    caffe_lite plot curves.svg a.log b.log --x seconds       text logs, also Caffe's own
    caffe_lite plot 6 loss.png a.log b.log                   one chart

The charts are those of Caffe's plot_training_log.py: 0 and 1 test accuracy over iterations and over
seconds, 2 and 3 test loss, 4 and 5 learning rate, 6 and 7 train loss. OUT ends in .png, .svg or
.pdf. Needs the extra `plot`.
"""

from __future__ import annotations

import argparse

from caffe_lite.cli import options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "words",
        nargs="+",
        metavar="[CHART] OUT LOG",
        help="chart 0 to 7 (default: all curves), the picture, then logs or folders of logs",
    )
    options.add_flag(
        parser,
        "x",
        choices=("iterations", "seconds"),
        help="what curves are drawn over, without CHART (default iterations)",
    )
    options.add_flag(
        parser,
        "smooth",
        type=options.positive,
        default=1,
        metavar="N",
        help="draw means of N points (default 1)",
    )
    options.add_flag(parser, "log_y", action="store_true", help="logarithmic axis for losses")


def run(args: argparse.Namespace) -> int:
    import os

    from caffe_lite.cli.log import start_log
    from caffe_lite.cli.picture_option import check_folder
    from caffe_lite.errors import UsageError
    from caffe_lite.runs import draw
    from caffe_lite.runs.curves import read_run

    start_log(quiet=True)
    words, chart = args.words, None
    if words[0].isdecimal():
        chart, words = int(words[0]), words[1:]
        if chart >= len(draw.CHARTS):
            charts = ", ".join(f"{i} {draw.chart_title(i)}" for i in range(len(draw.CHARTS)))
            raise UsageError(f"chart {chart} is unknown; known are {charts}")
        if args.x is not None:
            raise UsageError("--x has no effect with a chart, which has its own; leave it out")
    if len(words) < 2:
        raise UsageError("give the picture to write, then at least one log")
    out, *logs = words
    if os.path.splitext(out)[1].lower() not in draw.FORMATS:
        raise UsageError(f"{out}: pictures are written as {', '.join(draw.FORMATS)}")
    check_folder(out, "OUT")
    runs = [read_run(path) for path in logs]
    if chart is None:
        figure = draw.draw_overview(runs, args.x or "iterations", args.smooth, args.log_y)
    else:
        figure = draw.draw_chart(runs, chart, args.smooth, args.log_y)
    draw.save(figure, out)
    print(f"{out}: {len(runs)} run{'s' * (len(runs) > 1)}")
    return 0
