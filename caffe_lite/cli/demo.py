"""Train an LRCN on moving digits and compare it with the same convnet without its LSTM.

The demo writes the data, trains both nets with their solver prototxts, and prints a table and a
picture of the results, with the command that does the same for each step. Run it in a checkout of
caffe_lite; it takes a minute or two on two processor cores.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from caffe_lite.cli import options

if TYPE_CHECKING:
    from caffe_lite.cli.log import LiveHandler
    from caffe_lite.solvers import Solver

DATA = "data/moving_digits"
SOLVERS = {
    "LRCN": "prototxt/moving_digits/lrcn_solver.prototxt",
    "single frame": "prototxt/moving_digits/single_frame_solver.prototxt",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_flag(
        parser,
        "out",
        default="demo",
        metavar="DIR",
        help="folder for snapshots and the picture (default: demo)",
    )
    options.add_flag(
        parser,
        "iterations",
        type=int,
        metavar="N",
        help="train each net for N iterations instead of its solver's max_iter",
    )
    options.add_device(parser)


@dataclass
class Run:
    """The training of one net: its curves by iteration, its last test and its duration."""

    name: str
    parameters: int = 0
    losses: list[tuple[int, float]] = field(default_factory=list)
    clip_accuracies: list[tuple[int, float]] = field(default_factory=list)
    frame_accuracy: float = 0.0
    seconds: float = 0.0

    def __call__(self, event: Any) -> None:
        """Record an event of the solver."""
        from caffe_lite.solvers import events

        if isinstance(event, events.IterationDisplayed):
            self.losses.append((event.iteration, event.loss))
        elif isinstance(event, events.TestDone):
            scores = {output.name: output.value for output in event.outputs}
            self.clip_accuracies.append((event.iteration, scores["clip_accuracy"]))
            self.frame_accuracy = scores["accuracy"]
            print(f"    iteration {event.iteration}: clip accuracy {scores['clip_accuracy']:.3f}")


def run(args: argparse.Namespace) -> int:
    from caffe_lite.cli import dataset, demo_picture
    from caffe_lite.cli.log import start_log
    from caffe_lite.errors import UsageError

    for path in SOLVERS.values():
        if not Path(path).is_file():
            raise UsageError(f"{path} does not exist; run the demo in a checkout of caffe_lite")
    if args.iterations is not None and args.iterations < 1:
        raise UsageError(f"--iterations must be at least 1, got {args.iterations}")
    live = start_log(quiet=True)
    drawable = demo_picture.can_draw()
    if not drawable:
        print(
            "matplotlib is not installed, so no picture will be drawn "
            "(pip install 'caffe_lite[demo]')"
        )
    Path(args.out).mkdir(parents=True, exist_ok=True)

    print(f"$ caffe_lite prepare moving_digits --forms hdf5\n    clips of 16 frames in {DATA}")
    dataset.write("moving_digits", DATA, live, ("hdf5",))
    live.finish()

    runs, strip = [], None
    for name, path in SOLVERS.items():
        print(f"$ caffe_lite train --solver {path}")
        trained, solver = _train(name, path, args, live)
        with solver:
            runs.append(trained)
            if name == "LRCN":
                strip = demo_picture.choose_clip(solver.test_nets[0])
    _print_table(runs)
    if drawable and strip is not None:
        picture = Path(args.out) / "demo.png"
        demo_picture.draw(runs, strip, picture)
        print(f"\n{picture}: learning curves, and the LRCN's view of a test clip, frame by frame")
    return 0


def _train(name: str, path: str, args: argparse.Namespace, live: LiveHandler) -> tuple[Run, Solver]:
    from caffe_lite.backend import get_ops
    from caffe_lite.cli.event_log import EventLog
    from caffe_lite.cli.solver_log import SolverLog
    from caffe_lite.proto import load
    from caffe_lite.solvers import default_ops, get_solver

    param = load.load_solver(path)
    param.snapshot_prefix = str(Path(args.out) / Path(param.snapshot_prefix).name)
    if args.iterations is not None:
        param.max_iter = args.iterations
        param.test_interval = args.iterations
    trained = Run(name)
    begin = perf_counter()
    with EventLog(args.out, name.replace(" ", "_")) as events:
        ops = default_ops(param) if args.gpu is None else get_ops(options.device(args.gpu))
        solver = get_solver(
            param, ops, path=path, listeners=[SolverLog(live, events, param.max_iter), trained]
        )
        solver.solve()
    live.finish()
    trained.seconds = perf_counter() - begin
    trained.parameters = sum(blob.count for blob in solver.net.learnable_params)
    return trained, solver


def _print_table(runs: list[Run]) -> None:
    print("\nheld-out clips, of digits that no training clip used")
    print(f"{'net':<14}{'parameters':>12}{'frame accuracy':>16}{'clip accuracy':>15}{'seconds':>9}")
    for trained in runs:
        print(
            f"{trained.name:<14}{trained.parameters:>12,}{trained.frame_accuracy:>16.3f}"
            f"{trained.clip_accuracies[-1][1]:>15.3f}{trained.seconds:>9.1f}"
        )
