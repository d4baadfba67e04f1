"""Write the features that a net computes for its data, as Caffe's extract_features does.

    caffe_lite extract_features bvlc_reference_caffenet.caffemodel imagenet_val.prototxt \\
        fc7,fc6 fc7_features,fc6_features 10 lmdb

Runs NUM_BATCHES batches of the net's own data layer in phase TEST and writes each blob of
BLOB[,BLOB] to the DATASET at the same place: a database of one Datum for each image (lmdb,
leveldb), an HDF5 file with a dataset named after the blob (hdf5), or an array (npy).
"""

from __future__ import annotations

import argparse
import logging
from contextlib import ExitStack

from caffe_lite.cli import options

log = logging.getLogger("caffe_lite.extract_features")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("weights", metavar="WEIGHTS", help="caffemodel, or several with commas")
    parser.add_argument("model", metavar="NET", help="prototxt with a data layer")
    parser.add_argument("blobs", metavar="BLOB[,BLOB]", help="names of blobs")
    parser.add_argument("datasets", metavar="DATASET[,DATASET]", help="what to write, one for each")
    parser.add_argument("batches", type=options.positive, metavar="NUM_BATCHES", help="batches")
    parser.add_argument(
        "form", choices=("lmdb", "leveldb", "hdf5", "npy"), metavar="FORM", help="%(choices)s"
    )
    parser.add_argument(
        "mode", nargs="?", choices=("CPU", "GPU"), default="CPU", metavar="CPU|GPU", help="device"
    )
    parser.add_argument(
        "device_id", nargs="?", type=options.natural, default=0, metavar="DEVICE_ID", help="GPU"
    )
    options.add_unknown_fields(parser)
    options.add_no_python_layers(parser)


def run(args: argparse.Namespace) -> int:
    from caffe_lite.backend import get_ops
    from caffe_lite.cli.log import start_log
    from caffe_lite.data.feature_files import new_features
    from caffe_lite.errors import UsageError, did_you_mean
    from caffe_lite.nets.net import Net
    from caffe_lite.proto import load, schema

    start_log()
    names, datasets = args.blobs.split(","), args.datasets.split(",")
    if len(names) != len(datasets):
        raise UsageError(
            f"{len(names)} blobs and {len(datasets)} datasets are named; give one dataset for each "
            "blob, in the same order"
        )
    if len(set(datasets)) < len(datasets):
        raise UsageError(f"{args.datasets}: each dataset needs a name of its own")
    ops = get_ops(args.device_id if args.mode == "GPU" else None)
    log.info("Using %s", "CPU" if ops.on_host else f"GPU {args.device_id}")
    options.log_cpu_backend(ops)
    definition = load.load_net(args.model, unknown=args.unknown_fields)
    with Net(definition, schema.TEST, ops, source=args.model) as net, ExitStack() as stack:
        for name in names:
            if name not in net.blobs:
                hint = did_you_mean(name, net.blobs)
                raise UsageError(f'{args.model}: the net has no blob "{name}"{hint}')
        net.copy_trained_layers_from(args.weights)
        writers = []
        for name, dataset in zip(names, datasets, strict=True):
            log.info("Opening dataset %s", dataset)
            opened = new_features(dataset, args.form, name, args.batches)
            writers.append(stack.enter_context(opened))
        log.info("Extracting Features")
        counts = [0] * len(names)
        for _ in range(args.batches):
            net.forward()
            for i, (name, write) in enumerate(zip(names, writers, strict=True)):
                values = ops.to_host(net.blobs[name].data)
                rows = values if values.ndim else values.reshape(1)
                write(rows)
                before, counts[i] = counts[i], counts[i] + len(rows)
                if counts[i] // 1000 > before // 1000:
                    _log_count(counts[i], name)
        for name, count in zip(names, counts, strict=True):
            _log_count(count, name)
    log.info("Successfully extracted the features!")
    return 0


def _log_count(count: int, blob: str) -> None:
    log.info("Extracted features of %d query images for feature blob %s", count, blob)
