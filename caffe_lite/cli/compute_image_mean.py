"""Compute the mean image of a database, as Caffe's compute_image_mean does.

    caffe_lite compute_image_mean train_lmdb mean.binaryproto

Writes what `mean_file` of a data layer names, if OUTPUT_FILE is given, and logs the mean of each
channel, for `mean_value`.
"""

from __future__ import annotations

import argparse
import logging

from caffe_lite.cli import options

log = logging.getLogger("caffe_lite.compute_image_mean")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("database", metavar="INPUT_DB", help="the database, a folder")
    parser.add_argument(
        "out", nargs="?", metavar="OUTPUT_FILE", help="the mean file, usually .binaryproto"
    )
    options.add_backend(parser)


def run(args: argparse.Namespace) -> int:
    from contextlib import closing

    from caffe_lite.cli.log import start_log
    from caffe_lite.data.image_mean import channel_means, mean_of, write_mean
    from caffe_lite.data.sources import open_source

    start_log()

    def progress(count: int) -> None:
        if count % 10000 == 0:
            log.info("Processed %d files.", count)

    with closing(open_source(args.database, args.backend)) as source:
        count = len(source)
        log.info("Starting iteration")
        mean = mean_of(source, progress)
    if count % 10000:
        log.info("Processed %d files.", count)
    if args.out is not None:
        log.info("Write to %s", args.out)
        write_mean(args.out, mean)
    log.info("Number of channels: %d", len(mean))
    for i, value in enumerate(channel_means(mean)):
        log.info("mean_value channel [%d]: %g", i, value)
    return 0
