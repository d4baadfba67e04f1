"""Test a net: average its outputs over batches of its data."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING

from caffe_lite.cli import options

if TYPE_CHECKING:
    from caffe_lite.nets.net import Net

log = logging.getLogger("caffe_lite.caffe")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_flag(parser, "model", required=True, metavar="NET", help="the net's prototxt")
    options.add_flag(parser, "weights", required=True, metavar="W[,W2]", help="its caffemodel")
    options.add_flag(
        parser, "iterations", type=int, default=50, metavar="N", help="batches to run (default 50)"
    )
    options.add_device(parser)
    options.add_net_state(parser, "TEST")
    options.add_log_dir(parser, "test")
    options.add_unknown_fields(parser)
    options.add_no_python_layers(parser)
    options.add_no_optimize(parser)


def run(args: argparse.Namespace) -> int:
    from caffe_lite.cli.event_log import EventLog
    from caffe_lite.cli.log import start_log
    from caffe_lite.errors import UsageError

    if args.iterations < 1:
        raise UsageError(f"--iterations must be at least 1, got {args.iterations}")
    live = start_log(args.log_dir, "test")
    ops = options.chosen_ops(args)
    with options.net(args, ops) as net, EventLog(args.log_dir, "test") as events:
        net.copy_trained_layers_from(args.weights)
        net.optimize(not args.no_optimize)
        log.info("Running for %d iterations.", args.iterations)
        sums: dict[tuple[str, int], float] = {}
        loss = 0.0
        for batch in range(args.iterations):
            net.forward()
            loss += float(net.loss())
            scores: dict[str, list[float]] = {}
            for name, values in _outputs(net):
                scores[name] = values
                for i, value in enumerate(values):
                    sums[name, i] = sums.get((name, i), 0.0) + value
                    log.info("Batch %d, %s = %g", batch, name, value)
            events.write("batch", batch=batch, outputs=scores)
            live.show(f"test: batch {batch + 1} of {args.iterations}")
        live.finish()
        log.info("Loss: %g", loss / args.iterations)
        weights = net.blob_loss_weights
        means: dict[str, list[float]] = {}
        for (name, _), total in sums.items():
            mean = total / args.iterations
            means.setdefault(name, []).append(mean)
            weight = weights[name]
            note = f" (* {weight:g} = {weight * mean:g} loss)" if weight else ""
            log.info("%s = %g%s", name, mean, note)
        events.write(
            "result", iterations=args.iterations, loss=loss / args.iterations, outputs=means
        )
    return 0


def _outputs(net: Net) -> Iterator[tuple[str, list[float]]]:
    for name in net.outputs:
        yield name, [float(value) for value in net.ops.to_host(net.blobs[name].data).ravel()]
