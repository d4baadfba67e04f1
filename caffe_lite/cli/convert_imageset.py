"""Write a list of images into a database for the layer Data, as Caffe's convert_imageset does.

    caffe_lite convert_imageset --resize-height 256 --resize-width 256 --shuffle \\
        images/ train.txt train_lmdb

A line of LISTFILE is the path of an image below ROOTFOLDER/ and a label, a whole number.
ROOTFOLDER/ is put before the path as it is, so it ends in a slash. Images that cannot be read are
reported and left out. The database appears when it is complete.
"""

from __future__ import annotations

import argparse
import logging
import os

from caffe_lite.cli import options

log = logging.getLogger("caffe_lite.convert_imageset")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = options.add_flag
    parser.add_argument("root", metavar="ROOTFOLDER/", help="folder of the images, with a slash")
    parser.add_argument("list", metavar="LISTFILE", help='lines "path label"')
    parser.add_argument("database", metavar="DB_NAME", help="the new database, a folder")
    add(parser, "gray", action="store_true", help="store one channel, not three")
    add(parser, "shuffle", action="store_true", help="shuffle the list first")
    add(parser, "seed", type=options.natural, metavar="N", help="make --shuffle repeat itself")
    options.add_backend(parser)
    for side in ("width", "height"):
        add(
            parser,
            f"resize_{side}",
            type=options.natural,
            default=0,
            metavar="N",
            help=f"{side} of the images, in pixels; give both (default: as they are)",
        )
    add(parser, "check_size", action="store_true", help="stop if the images differ in size")
    add(
        parser,
        "encoded",
        action="store_true",
        help="store files, not pixels; the Data layer decodes them",
    )
    add(
        parser,
        "encode_type",
        default="",
        metavar="TYPE",
        help="png, jpg or bmp: encode images so (default: the type of each file's name)",
    )


def run(args: argparse.Namespace) -> int:
    import numpy as np

    from caffe_lite.cli.log import start_log
    from caffe_lite.data.image_records import ENCODINGS, Conversion, convert, read_entries
    from caffe_lite.data.writers import new_database
    from caffe_lite.errors import DataError, UsageError

    start_log()
    if (args.resize_height > 0) != (args.resize_width > 0):
        raise UsageError("give both --resize-height and --resize-width, or neither")
    if args.seed is not None and not args.shuffle:
        raise UsageError("--seed has no effect without --shuffle; leave it out")
    if args.encode_type and args.encode_type.lower() not in ENCODINGS:
        raise UsageError(f"--encode-type {args.encode_type}: known are {', '.join(ENCODINGS)}")
    entries = read_entries(args.list)
    if args.shuffle:
        log.info("Shuffling data")
        order = np.random.default_rng(args.seed).permutation(len(entries))
        entries = [entries[i] for i in order]
    log.info("A total of %d images.", len(entries))
    if args.encode_type and not args.encoded:
        log.info("encode_type specified, assuming encoded=true.")
    encode_type = args.encode_type if args.encoded or args.encode_type else None
    root = args.root
    if not os.path.exists(root + entries[0].path) and os.path.isdir(root):
        root = os.path.join(root, "")
    conversion = Conversion(args.resize_height, args.resize_width, not args.gray, encode_type)
    count, first = 0, None
    with new_database(args.database, args.backend) as database:
        for key, result in convert(entries, root, conversion):
            if isinstance(result, DataError):
                log.error("%s", result)
                continue
            record, shape = result
            if args.check_size and shape != (first := first or shape):
                place = root + os.fsdecode(key).partition("_")[2]
                raise DataError(
                    f"{place}: has shape {shape} (channels, height, width), the images before it "
                    f"{first}; resize them, or leave --check-size out"
                )
            database.put_under(key, record)
            count += 1
            if count % 1000 == 0:
                log.info("Processed %d files.", count)
        if not count:
            raise DataError(f"{args.list}: none of its {len(entries)} images can be read")
    if count % 1000:
        log.info("Processed %d files.", count)
    if count < len(entries):
        log.warning("%d of %d images could not be read", len(entries) - count, len(entries))
    return 0
