"""Whole nets: forward, and forward, backward and update, with and without graphs."""

from dataclasses import dataclass
from functools import partial

from caffe_lite.nets.net import Net
from caffe_lite.proto import schema, text
from caffe_lite.solvers import get_solver
from caffe_lite.solvers.recorded import WARM_UP
from tools.gpu import nets, peers
from tools.gpu.ceilings import floor
from tools.gpu.context import Context
from tools.gpu.graphs import is_recorded, record_or_not

GRAPH_SPEEDUP = 3.0  # of LeNet, whose small kernels take less time than launching them


@dataclass(frozen=True)
class Case:
    name: str
    definition: str
    classes: int
    tf32: str
    seconds: float = 0.8


def cases(small: bool) -> list[Case]:
    if small:
        return [
            Case("lenet", nets.lenet(1, 16), 10, "convolution"),
            Case("captioner", nets.captioner(2, 3, 20, 8), 20, "none"),
        ]
    return [
        Case("lenet", nets.lenet(), 10, "convolution", 0.5),
        Case("caffenet", nets.caffenet(), 1000, "convolution"),
        Case("activity", nets.activity(), 101, "convolution"),
        Case("captioner", nets.captioner(), 8801, "none"),
        Case("captioner", nets.captioner(), 8801, "all"),
    ]


def run(context: Context) -> None:
    for case in cases(context.small):
        ours = _ours(context, case)
        # Free the memory before PyTorch allocates its own.
        context.ops().xp.get_default_memory_pool().free_all_blocks()
        theirs = _theirs(context, case)
        for what, ms in ours.items():
            beside = {}
            if what in theirs:
                beside = {"pytorch_ms": theirs[what], "ratio": ms / theirs[what]}
            beside |= _share(context, case, what, ms)
            context.measure(f"{case.name}, tf32 {case.tf32}: {what}", ms, "ms", **beside)
        _judge(context, case, ours, theirs)


def _ours(context: Context, case: Case) -> dict[str, float]:
    """Milliseconds of each pass, by name."""
    ops = context.ops("float32", case.tf32)
    times: dict[str, float] = {}
    with Net(nets.parse_net(case.definition), schema.TEST, ops, seed=1) as net:
        nets.fill_inputs(net, case.classes)
        times["forward"] = context.time(ops, net.forward, case.seconds)
        recording = ops.capture(net.forward)
        times["forward, graph"] = context.time(ops, recording.replay, case.seconds)
    for recorded in (False, True):
        param = text.parse(nets.solver_text(case.definition), schema.SolverParameter)
        with get_solver(param, ops) as solver:
            record_or_not(solver, recorded)
            nets.fill_inputs(solver.net, case.classes)
            solver.step(WARM_UP + 1)
            name = "training step, graph" if recorded else "training step"
            times[name] = context.time(ops, partial(solver.step, 1), case.seconds)
            if recorded and not is_recorded(solver):
                raise AssertionError(f"{case.name}: the iteration was not recorded")
    return times


def _theirs(context: Context, case: Case) -> dict[str, float]:
    """PyTorch's times for the same passes; none for passes that it fails to run."""
    try:
        return peers.net_times(context, case)
    except Exception as error:  # our times are reported without it
        name = f"{case.name}, tf32 {case.tf32}: PyTorch runs it"
        context.check(name, False, f"{type(error).__name__}: {error}")
        return {}


def _share(context: Context, case: Case, what: str, ms: float) -> dict[str, float]:
    """The time that the matrix products need at the measured rate, relative to the time taken."""
    with Net(nets.parse_net(case.definition), schema.TEST, context.cpu(), seed=1) as net:
        work = nets.operations(net)
    least = floor(context, work, case.tf32, 3.0 if what.startswith("training") else 1.0)
    return {"share_of_matrix_rate": least / ms} if least else {}


def _judge(context: Context, case: Case, ours: dict[str, float], theirs: dict[str, float]) -> None:
    """Check that training is no slower than PyTorch's, and that graphs speed up small nets."""
    best = min(ours["training step"], ours["training step, graph"])
    peer = [ms for what, ms in theirs.items() if what.startswith("training step")]
    if peer and not context.small:
        ratio = best / min(peer)
        context.check(
            f"{case.name}, tf32 {case.tf32}: a training step takes no longer than PyTorch's",
            ratio <= 1.0,
            f"ratio {ratio:.2f}",
        )
    if case.name == "lenet" and not context.small:
        speedup = ours["training step"] / ours["training step, graph"]
        context.check(
            f"replaying LeNet is {GRAPH_SPEEDUP:g} times as fast as launching it",
            speedup >= GRAPH_SPEEDUP,
            f"{speedup:.1f} times",
        )
