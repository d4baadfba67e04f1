"""Write MNIST's files into a database, as convert_mnist_data.bin of Caffe's examples does.

    caffe_lite convert_mnist_data train-images-idx3-ubyte train-labels-idx1-ubyte \\
        mnist_train_lmdb --backend lmdb
"""

from __future__ import annotations

import argparse
import logging

from caffe_lite.cli import options

log = logging.getLogger("caffe_lite.convert_mnist_data")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("images", metavar="IMAGE_FILE", help="IDX file of images, unpacked")
    parser.add_argument("labels", metavar="LABEL_FILE", help="IDX file of labels, unpacked")
    parser.add_argument("database", metavar="DB_NAME", help="the new database, a folder")
    options.add_backend(parser)


def run(args: argparse.Namespace) -> int:
    from caffe_lite.cli.log import start_log
    from caffe_lite.data.raw_digits import mnist_records
    from caffe_lite.data.writers import new_database

    start_log()
    (count, rows, columns), records = mnist_records(args.images, args.labels)
    log.info("A total of %d items.", count)
    log.info("Rows: %d Cols: %d", rows, columns)
    with new_database(args.database, args.backend) as database:
        for i, record in enumerate(records):
            database.put_under(b"%08d" % i, record)
    log.info("Processed %d files.", count)
    return 0
