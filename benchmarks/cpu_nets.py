"""Times whole nets on the CPU beside the same nets in PyTorch, in one run.

    python benchmarks/cpu_nets.py [--record FILE] [--only TEXT] [--rounds N]

For each net a forward pass in the TEST phase and a training step (forward, backward, SGD update
with momentum and weight decay), in float32. The two take turns, round by round, and the table gives
the medians of the rounds in milliseconds. CAFFE_LITE_NATIVE=0 times the NumPy backend.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from caffe_lite.backend import get_ops  # noqa: E402
from caffe_lite.backend.describe import processor_name  # noqa: E402
from caffe_lite.backend.processors import thread_count  # noqa: E402
from caffe_lite.nets.net import Net  # noqa: E402
from caffe_lite.proto import schema, text  # noqa: E402
from caffe_lite.solvers import get_solver  # noqa: E402
from tools.gpu import nets  # noqa: E402
from tools.gpu.peer_model import make_model  # noqa: E402

# Name, definition, classes of its labels.
CASES = (
    ("LeNet, 28x28, batch 64", nets.lenet(64, 28), 10),
    ("CaffeNet, batch 16", nets.caffenet(16), 1000),
    ("LRCN activity, 3 clips of 16 frames", nets.activity(16, 3), 101),
    ("captioner, T 20, batch 100, 8801 words", nets.captioner(20, 100, 8801, 1000), 8801),
)


def ours(definition: str, classes: int) -> tuple[dict[str, Callable[[], object]], dict]:
    """Our two passes, and the inputs they were given."""
    net = Net(nets.parse_net(definition), schema.TEST, get_ops(), seed=1)
    inputs = nets.fill_inputs(net, classes)
    param = text.parse(nets.solver_text(definition), schema.SolverParameter)
    solver = get_solver(param, get_ops())
    nets.fill_inputs(solver.net, classes)
    return {"forward": net.forward, "training step": lambda: solver.step(1)}, inputs


def theirs(definition: str, inputs: dict) -> dict[str, Callable[[], object]]:
    """PyTorch's two passes over the same inputs."""
    models = [make_model(torch, nets.parse_net(definition)) for _ in range(2)]
    given = {name: torch.as_tensor(values) for name, values in inputs.items()}
    models[0].eval()
    optimizer = torch.optim.SGD(
        models[1].parameters(), lr=0.001, momentum=0.9, weight_decay=0.0005, fused=True
    )

    def forward() -> None:
        with torch.no_grad():
            models[0].loss(given)

    def step() -> None:
        optimizer.zero_grad(set_to_none=False)
        models[1].loss(given).backward()
        optimizer.step()

    return {"forward": forward, "training step": step}


def clock(call: Callable[[], object], seconds: float = 0.3) -> float:
    """Milliseconds of one call, over as many as fit into `seconds`."""
    count, begin = 0, time.perf_counter()
    while True:
        call()
        count += 1
        passed = time.perf_counter() - begin
        if passed > seconds:
            return 1000 * passed / count


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--record", type=Path, help="append the table to this file")
    parser.add_argument("--only", default="", help="nets whose name contains this")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    torch.set_num_threads(thread_count())
    lines = [
        f"{date.today()}, {processor_name()}, {thread_count()} threads, {type(get_ops()).__name__},"
        f" PyTorch {torch.__version__}, OPENBLAS_CORETYPE="
        f"{os.environ.get('OPENBLAS_CORETYPE', '(unset)')}; medians of {args.rounds} rounds, ms.",
        "",
        "| net | pass | ours | PyTorch | ours / PyTorch |",
        "|---|---|---:|---:|---:|",
    ]
    for name, definition, classes in CASES:
        if args.only not in name:
            continue
        mine, inputs = ours(definition, classes)
        peer = theirs(definition, inputs)
        for what in mine:
            rounds: list[tuple[float, float]] = []
            for attempt in range(args.rounds + 1):
                pair = clock(mine[what]), clock(peer[what])
                if attempt:  # the first takes memory and compiles
                    rounds.append(pair)
            a, b = (statistics.median(values) for values in zip(*rounds, strict=True))
            lines.append(f"| {name} | {what} | {a:.2f} | {b:.2f} | {a / b:.2f} |")
            print(lines[-1], flush=True)
    table = "\n".join(lines) + "\n"
    print("\n" + table)
    if args.record:
        with args.record.open("a") as file:
            file.write(f"\n{table}")


if __name__ == "__main__":
    main()
