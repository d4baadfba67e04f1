"""Write CIFAR-10's binary files into databases, as convert_cifar_data.bin of Caffe's examples does.

    caffe_lite convert_cifar_data data/cifar10 examples/cifar10 lmdb

Reads data_batch_1.bin to data_batch_5.bin and test_batch.bin of INPUT_FOLDER, and writes
cifar10_train_lmdb and cifar10_test_lmdb into OUTPUT_FOLDER.
"""

from __future__ import annotations

import argparse
import logging
import os
from itertools import chain

log = logging.getLogger("caffe_lite.convert_cifar_data")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="INPUT_FOLDER", help="folder of the binary batches")
    parser.add_argument("target", metavar="OUTPUT_FOLDER", help="folder for the databases")
    parser.add_argument(
        "backend", choices=("lmdb", "leveldb"), metavar="DB_TYPE", help="lmdb or leveldb"
    )


def run(args: argparse.Namespace) -> int:
    from caffe_lite.cli.log import start_log
    from caffe_lite.data.raw_digits import cifar_records
    from caffe_lite.data.writers import new_database

    start_log()
    for split, title, files in (
        ("train", "Training", [f"data_batch_{i}.bin" for i in range(1, 6)]),
        ("test", "Testing", ["test_batch.bin"]),
    ):
        log.info("Writing %s data", title)
        path = os.path.join(args.target, f"cifar10_{split}_{args.backend}")
        paths = [os.path.join(args.source, name) for name in files]
        with new_database(path, args.backend) as database:
            for i, record in enumerate(chain.from_iterable(map(cifar_records, paths))):
                database.put_under(b"%05d" % i, record)
    return 0
