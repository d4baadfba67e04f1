"""Train and run the nets of prototxt/ordered_digits."""

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from caffe_lite.backend import get_ops
from caffe_lite.nets.net import Net
from caffe_lite.proto import load, schema
from caffe_lite.proto.atomic import atomic_path
from caffe_lite.solvers import default_ops, get_solver
from caffe_lite.weights import write_caffemodel

ROOT = Path(__file__).resolve().parents[2]
PROTOTXT = ROOT / "prototxt" / "ordered_digits"
DATA = "data/ordered_digits/"  # the folder in the nets' definitions, which a run replaces
CHECKS = (0.6, 0.8, 1.0)  # of the iterations, after which a net is judged on validation clips
CLIPS = 100  # that go through an activity net at a time

Judge = Callable[[Path], float]  # weights -> a score on validation clips, higher is better


class Trainer:
    """Trains nets in `folder`, where their data is, and remembers which are done.

    `share` of each solver's iterations are run. The weights of net NAME are NAME.caffemodel;
    trained.json holds the validation scores of the nets that are done, which are not trained again,
    and the processor minutes spent until then.
    """

    def __init__(self, folder: Path, seed: int, share: float) -> None:
        self.folder, self.seed, self.share = folder, seed, share
        self._record = folder / "trained.json"
        self.scores: dict[str, float] = {}
        self._earlier = 0.0  # processor minutes of processes that were stopped
        if self._record.exists():
            record = json.loads(self._record.read_text())
            self.scores, self._earlier = record["scores"], record["minutes"]
        self._began = time.process_time()

    @property
    def minutes(self) -> float:
        """Processor minutes spent on this folder."""
        return self._earlier + (time.process_time() - self._began) / 60

    def weights(self, name: str) -> Path:
        return self.folder / f"{name}.caffemodel"

    def train(self, name: str, judge: Judge, start: Sequence[Path] = ()) -> None:
        """Train with solver_`name` from the weights `start`; keep those that `judge` likes best."""
        if name in self.scores:
            return
        param = self._solver(PROTOTXT / f"solver_{name}.prototxt")
        param.weights.extend(map(str, start))
        best, trial = -np.inf, self.folder / "trial.caffemodel"
        with get_solver(param, default_ops(param)) as solver:
            for check in CHECKS:
                solver.step(max(1, round(check * param.max_iter)) - solver.iter)
                write_caffemodel(solver.net, trial)
                score = judge(trial)
                if score > best:
                    best = score
                    trial.replace(self.weights(name))
        trial.unlink(missing_ok=True)
        self.scores[name] = float(best)
        with atomic_path(self._record) as partial:
            record = {"scores": self.scores, "minutes": self.minutes}
            partial.write_text(json.dumps(record, indent=1) + "\n")
        print(f"  {name}: {best:.1f} on validation clips", flush=True)

    def _solver(self, path: Path) -> schema.SolverParameter:
        """The solver's definition, with the data and seed of this run and without its own tests."""
        param = load.load_solver(path)
        net = load.load_net(ROOT / param.net)
        for layer in net.layer:
            source = layer.hdf5_data_param.source
            if source.startswith(DATA):
                layer.hdf5_data_param.source = str(self.folder / source.removeprefix(DATA))
        param.ClearField("net")
        param.net_param.CopyFrom(net)
        param.random_seed = self.seed
        param.display = 0
        param.max_iter = max(len(CHECKS), round(self.share * param.max_iter))
        return param


def open_net(definition: str, weights: Path, stages: Sequence[str]) -> Net:
    """A net in the TEST phase, with its weights."""
    net = Net(PROTOTXT / f"{definition}.prototxt", schema.TEST, get_ops(), stages=stages)
    net.copy_trained_layers_from(weights)
    return net


def run_clips(net: Net, images: np.ndarray, blob: str) -> np.ndarray:
    """A blob of an activity net at each frame of clips (n, 16, C, 32, 32): (n, 16, K)."""
    found = []
    for first in range(0, len(images), CLIPS):
        rows = np.moveaxis(images[first : first + CLIPS], 1, 0)
        steps, count = rows.shape[:2]
        inputs = {net.inputs[0]: rows.reshape(-1, *rows.shape[2:])}
        if "clip_markers" in net.inputs:
            markers = np.ones((steps, count))
            markers[0] = 0
            inputs["clip_markers"] = markers.ravel()
        values = run(net, inputs, blob)
        found.append(values.reshape(steps, count, -1).swapaxes(0, 1))
    return np.concatenate(found)


def run(net: Net, inputs: dict[str, np.ndarray], blob: str) -> np.ndarray:
    """A copy of a blob after a forward pass over `inputs`."""
    for name, values in inputs.items():
        net.blobs[name].reshape(*values.shape)
        net.blobs[name].data[...] = net.ops.asarray(np.asarray(values, np.float32))
    net.forward()
    return np.array(net.ops.to_host(net.blobs[blob].data))
