"""Time a net's forward and backward passes, layer by layer."""

from __future__ import annotations

import argparse
import logging
from time import perf_counter
from typing import TYPE_CHECKING

from caffe_lite.cli import options

if TYPE_CHECKING:
    from caffe_lite.nets.net import Net

log = logging.getLogger("caffe_lite.caffe")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_flag(parser, "model", required=True, metavar="NET", help="the net's prototxt")
    options.add_flag(parser, "weights", metavar="W[,W2]", help="caffemodels to load first")
    options.add_flag(
        parser, "iterations", type=int, default=50, metavar="N", help="passes to time (default 50)"
    )
    options.add_device(parser)
    options.add_net_state(parser, "TRAIN")
    options.add_flag(parser, "forward_only", action="store_true", help="time the forward pass only")
    options.add_unknown_fields(parser)
    options.add_no_python_layers(parser)


def run(args: argparse.Namespace) -> int:
    from caffe_lite.cli.log import start_log
    from caffe_lite.errors import UsageError

    if args.iterations < 1:
        raise UsageError(f"--iterations must be at least 1, got {args.iterations}")
    start_log()
    with options.net(args, options.chosen_ops(args)) as net:
        if args.weights:
            net.copy_trained_layers_from(args.weights)
        log.info("Performing Forward")
        net.forward()
        log.info("Initial loss: %g", float(net.loss()))
        if not args.forward_only:
            log.info("Performing Backward")
            net.clear_param_diffs()
            net.backward()
        _measure(net, args.iterations, not args.forward_only)
    return 0


def _measure(net: Net, iterations: int, backward: bool) -> None:
    """Log the milliseconds of each layer and pass, waiting for the device after each layer."""
    synchronize = net.ops.synchronize
    forward_ms = [0.0] * len(net.layers)
    backward_ms = [0.0] * len(net.layers)
    log.info("*** Benchmark begins ***")
    log.info("Testing for %d iterations.", iterations)
    begin = perf_counter()
    for iteration in range(iterations):
        start = perf_counter()
        for i in range(len(net.layers)):
            layer_start = perf_counter()
            net.forward(i, i)
            synchronize()
            forward_ms[i] += 1000 * (perf_counter() - layer_start)
        for i in reversed(range(len(net.layers) if backward else 0)):
            layer_start = perf_counter()
            net.backward(i, i)
            synchronize()
            backward_ms[i] += 1000 * (perf_counter() - layer_start)
        log.info(
            "Iteration: %d forward-backward time: %g ms.",
            iteration + 1,
            1000 * (perf_counter() - start),
        )
    total = 1000 * (perf_counter() - begin)
    log.info("Average time per layer: ")
    for layer, f, b in zip(net.layers, forward_ms, backward_ms, strict=True):
        log.info("%10s\tforward: %g ms.", layer.name, f / iterations)
        log.info("%10s\tbackward: %g ms.", layer.name, b / iterations)
    log.info("Average Forward pass: %g ms.", sum(forward_ms) / iterations)
    log.info("Average Backward pass: %g ms.", sum(backward_ms) / iterations)
    log.info("Average Forward-Backward: %g ms.", total / iterations)
    log.info("Total Time: %g ms.", total)
    log.info("*** Benchmark ends ***")
