"""Train a net as its solver prototxt says: from scratch, from weights or from a snapshot.

SIGINT (Ctrl-C) and SIGTERM stop the run after the current iteration and its snapshot, SIGHUP takes
a snapshot; a second signal to stop ends the run at once. Exit codes: 0 done, 1 an error, 2 wrong
usage, 130 or 143 stopped by SIGINT or SIGTERM; the last line then names the snapshot.
"""

from __future__ import annotations

import argparse
import logging
import signal
import sys
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

from caffe_lite.cli import options
from caffe_lite.cli.signals import EFFECTS, SignalRequests

if TYPE_CHECKING:
    from caffe_lite.solvers import Solver

log = logging.getLogger("caffe_lite.caffe")
solver_log = logging.getLogger("caffe_lite.solver")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_flag(
        parser, "solver", required=True, metavar="SOLVER", help="the solver's prototxt"
    )
    options.add_flag(
        parser,
        "weights",
        type=options.utf8,
        metavar="W[,W2]",
        help="caffemodels to start from, matched to layers by name",
    )
    options.add_flag(
        parser,
        "snapshot",
        metavar="STATE",
        help='a .solverstate to resume from; "auto": the newest whole one under snapshot_prefix, '
        "or the start if there is none",
    )
    options.add_flag(parser, "resume", action="store_true", help="the same as --snapshot auto")
    options.add_flag(
        parser,
        "keep",
        type=options.positive,
        metavar="N",
        help="keep the last N snapshots and remove earlier ones (default: keep all)",
    )
    options.add_flag(
        parser,
        "keep_every",
        type=options.natural,
        default=0,
        metavar="N",
        help="with --keep, keep the snapshots of every N iterations as well",
    )
    options.add_flag(
        parser,
        "force",
        action="store_true",
        help="train even if another process trains under the same snapshot_prefix",
    )
    options.add_device(parser)
    # Caffe's tool accepts a phase for every command, and always trains in phase TRAIN.
    options.add_flag(
        parser, "phase", choices=("TRAIN", "train"), default="TRAIN", help=argparse.SUPPRESS
    )
    options.add_level_and_stages(parser, "train net")
    for name, default in (("sigint", "stop"), ("sigterm", "stop"), ("sighup", "snapshot")):
        options.add_flag(
            parser,
            f"{name}_effect",
            choices=EFFECTS,
            default=default,
            help=f"what {name.upper()} does after the current iteration (default {default})",
        )
    options.add_flag(
        parser,
        "on_nan",
        choices=("stop", "warn", "ignore"),
        default="stop",
        help="what to do when the displayed loss, or the weights at a snapshot, are NaN or "
        "infinite: stop (default, exit code 1), warn and train on, or ignore it as Caffe does",
    )
    options.add_log_dir(parser, "train")
    options.add_flag(
        parser,
        "log_histograms",
        type=options.natural,
        default=0,
        metavar="N",
        help="with --log-dir, record histograms of weights and gradients every N iterations that "
        "are displayed (default 0: never)",
    )
    options.add_flag(
        parser,
        "csv",
        metavar="FILE",
        help="write a table with a row for each display and each test",
    )
    options.add_flag(
        parser,
        "tensorboard",
        metavar="DIR",
        help="write losses, scores and rates to an event file in DIR for TensorBoard",
    )
    options.add_unknown_fields(parser)
    options.add_no_python_layers(parser)


def run(args: argparse.Namespace) -> int:
    from caffe_lite.backend import get_ops
    from caffe_lite.cli.csv_log import CsvLog
    from caffe_lite.cli.event_log import EventLog
    from caffe_lite.cli.log import start_log
    from caffe_lite.cli.run_record import RunRecord
    from caffe_lite.cli.shipped_data import make_missing
    from caffe_lite.cli.solver_log import SolverLog
    from caffe_lite.cli.tensorboard_log import TensorBoardLog
    from caffe_lite.errors import UsageError
    from caffe_lite.proto import load, text
    from caffe_lite.solvers import default_ops, get_solver

    if args.resume and args.snapshot not in (None, "auto"):
        raise UsageError("give --resume for the newest snapshot or --snapshot STATE, not both")
    if args.keep_every and args.keep is None:
        raise UsageError("--keep-every only has an effect with --keep N")
    resume = "auto" if args.resume else args.snapshot
    state = None if resume == "auto" else resume
    if state and args.weights:
        raise UsageError(
            "give --snapshot to resume a run or --weights to start one from weights, not both"
        )
    if args.log_histograms and args.log_dir is None:
        raise UsageError("--log-histograms only has an effect with --log-dir DIR")
    live = start_log(args.log_dir, "train")
    param = load.load_solver(args.solver, unknown=args.unknown_fields)
    param.train_state.level = args.level
    param.train_state.stage.extend(options.stages(args))
    if state or args.weights:
        del param.weights[:]
        param.weights.extend([args.weights] if args.weights else [])
    ops = default_ops(param) if args.gpu is None else get_ops(options.device(args.gpu))
    log.info("Use CPU." if ops.on_host else f"Using GPUs {ops.name.partition(':')[2]}")
    options.log_cpu_backend(ops)
    solver_log.info("Initializing solver from parameters: \n%s", text.format(param))
    make_missing(param, args.solver, live)
    effects = {
        "SIGINT": args.sigint_effect,
        "SIGTERM": args.sigterm_effect,
        "SIGHUP": args.sighup_effect,
    }
    with (
        EventLog(args.log_dir, "train") as events,
        SignalRequests(effects) as requests,
        ExitStack() as outputs,
    ):
        shown = SolverLog(live, events, param.max_iter)
        recorders: list[CsvLog | TensorBoardLog] = []
        if args.csv is not None:
            recorders.append(outputs.enter_context(closing(CsvLog(args.csv, resume is not None))))
        if args.tensorboard is not None:
            recorders.append(outputs.enter_context(closing(TensorBoardLog(args.tensorboard))))
        solver = get_solver(
            param,
            ops,
            path=args.solver,
            listeners=[shown, *recorders],
            request=requests,
            unknown=args.unknown_fields,
            on_nan=args.on_nan,
            keep=args.keep,
            keep_every=args.keep_every,
            force=args.force,
        )
        shown.solver = solver
        if args.log_dir is not None:
            solver.listeners.append(RunRecord(solver, events, args.log_histograms))
        solver_log.info("Solver scaffolding done.")
        if state:
            log.info("Resuming from %s", state)
        log.info("Starting Optimization")
        try:
            solver.solve(resume)
        finally:
            live.finish()
            solver.close()
        if solver.stopped:
            return _stopped(solver, requests.stopped_by)
        log.info("Optimization Done.")
    return 0


def _stopped(solver: Solver, number: int | None) -> int:
    """Report that a signal stopped the run. Returns the exit code that shells use for it."""
    if number is None:
        number = signal.SIGINT
    saved = solver.nan_guard.last_good
    print(
        f"caffe_lite train: stopped by {signal.Signals(number).name} after iteration "
        f"{solver.iter}; {'no snapshot was taken' if saved is None else f'snapshot: {saved}'}",
        file=sys.stderr,
    )
    return 128 + number
