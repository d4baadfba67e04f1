"""Train with a solver's prototxt, but with the data, seed and snapshots of this run."""

import time
from collections.abc import Sequence
from pathlib import Path

from caffe_lite.proto import load
from caffe_lite.solvers import default_ops, get_solver
from caffe_lite.solvers.events import IterationDisplayed
from caffe_lite.weights import write_caffemodel

ROOT = Path(__file__).resolve().parents[2]
PROTOTXT = ROOT / "prototxt" / "lrcn"
DATA = "data/lrcn/"  # the folder in the nets' definitions, which a run replaces by its own


def train(
    solver: str,
    folder: Path,
    seed: int,
    share: float = 1.0,
    weights: Sequence[Path] = (),
    quiet: bool = True,
) -> Path:
    """Train with `solver`, a file under prototxt/lrcn, and return the path of the weights.

    Data is read from `folder`, where the weights are written too. `share` of the solver's max_iter
    iterations are run, at least one; `weights` are files to start from.
    """
    path = PROTOTXT / solver
    param = load.load_solver(path)
    net = load.load_net(ROOT / param.net)
    for layer in net.layer:
        source = layer.hdf5_data_param.source
        if source.startswith(DATA):
            layer.hdf5_data_param.source = str(folder / source.removeprefix(DATA))
    param.ClearField("net")
    param.net_param.CopyFrom(net)
    param.random_seed = seed
    param.ClearField("test_iter")  # the run scores whole clips and captions itself
    param.ClearField("test_interval")
    param.ClearField("test_state")
    param.weights.extend(map(str, weights))
    param.max_iter = max(1, round(share * param.max_iter))
    param.display = max(1, param.max_iter // 10)
    out = folder / f"{Path(param.snapshot_prefix).name}.caffemodel"
    shown: list[float] = []

    def listen(event: object) -> None:
        if isinstance(event, IterationDisplayed):
            shown.append(event.loss)
            if not quiet:
                print(f"    {event.iteration:5d}  loss {event.loss:.4f}", flush=True)

    start = time.perf_counter()
    with get_solver(param, default_ops(param), path=str(path), listeners=[listen]) as trained:
        trained.step(param.max_iter)
        write_caffemodel(trained.net, out)
    print(
        f"  {solver}: {param.max_iter} iterations, loss {shown[0]:.3f} -> {shown[-1]:.3f}, "
        f"{time.perf_counter() - start:.0f} s",
        flush=True,
    )
    return out
