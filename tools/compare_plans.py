"""Planned forward passes (`Net.optimize`) beside plain ones, over all definitions in a folder.

    python -m tools.compare_plans FOLDER [--most-gigaflops 4]

Every net in the TEST phase gets random weights and inputs, and placeholders for missing data.
Prints, per net, the largest difference of an output as a share of the output's largest value, and
the time and memory of blobs of both. A net fails if that exceeds 2e-5 and the error against
float64 is not that of the plain pass; then the command exits with 1. Definitions that cannot be
built or run are listed with the reason.
"""

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from caffe_lite.backend import get_ops
from caffe_lite.errors import CaffeError
from caffe_lite.nets.net import Net
from caffe_lite.nets.sourceless import Absent, without_sources
from caffe_lite.nets.summary import summarize
from caffe_lite.proto import load, schema

TOLERANCE = 2e-5


def build(path: Path, dtype: str = "float32") -> Net:
    """The net of a definition in the TEST phase, with placeholders for missing sources."""
    param = load.load_net(path, unknown="warn")
    param.state.phase = schema.TEST
    described, _ = without_sources(param, guess=0)
    net = Net(described, schema.TEST, get_ops(dtype=dtype), seed=3, source=path)
    for layer, tops in zip(net.layers, net.top_vecs, strict=True):
        if isinstance(layer, Absent):
            layer.forward = lambda bottom, top: None  # type: ignore[method-assign]
            for blob in tops:
                rng = np.random.default_rng(0)
                labels = len(blob.shape) < 2 or blob.count == blob.shape[0]
                blob.data[...] = 0 if labels else rng.normal(size=blob.shape)
    return net


def fill(net: Net) -> None:
    """Give a net random weights that keep values near 1, and random inputs."""
    rng = np.random.default_rng(1)
    for layer in net.layers:
        normalizes = layer.type in ("BatchNorm", "BN")
        for i, blob in enumerate(layer.blobs):
            if normalizes and layer.type == "BatchNorm" and i == 2:
                blob.data[...] = 1
            elif normalizes or len(blob.shape) < 2:
                blob.data[...] = rng.uniform(0.5, 1.5, blob.shape)
            else:
                blob.data[...] = rng.normal(
                    scale=np.sqrt(2 / max(1, blob.count // blob.shape[0])), size=blob.shape
                )
    for name in net.inputs:
        net.blobs[name].data[...] = rng.normal(size=net.blobs[name].shape)


def compare(path: Path, limit: float) -> tuple[bool, str]:
    """Whether a net passes, and the line that describes it."""
    with build(path) as net:
        flops = 2e-9 * sum(row.multiply_adds or 0 for row in summarize(net))
        if flops > limit:
            raise CaffeError(f"{flops:.0f} GFLOP are above the limit")
    plain, planned = _run(path), _run(path, planned=True)
    worst = _difference(planned.outputs, plain.outputs)
    good, note = worst <= TOLERANCE, ""
    if not good:  # deep nets amplify the rounding of both
        exact = _run(path, dtype="float64").outputs
        errors = [_difference(run.outputs, exact) for run in (plain, planned)]
        good = errors[1] <= 1.5 * errors[0]
        note = f"  errors against float64: {errors[0]:.1e} plain, {errors[1]:.1e} planned"
    speed = f"{plain.seconds * 1e3:8.1f} ms {planned.seconds * 1e3:8.1f} ms"
    memory = f"{plain.memory >> 20:5} MiB {planned.memory >> 20:5} MiB"
    name = f"{path.parent.name}/{path.name}"
    return good, f"{worst:8.1e}  {speed}  {memory}  {name}{note}{'' if good else '  FAILED'}"


@dataclass(frozen=True)
class _Run:
    outputs: dict[str, np.ndarray]
    seconds: float
    memory: int


def _run(path: Path, planned: bool = False, dtype: str = "float32") -> _Run:
    """Two forward passes of the net with random weights; the second is timed."""
    with build(path, dtype) as net:
        fill(net)
        net.optimize(planned).forward()
        start = time.perf_counter()
        net.forward()
        seconds = time.perf_counter() - start
        outputs = {name: net.blobs[name].data.copy() for name in net.outputs}
        return _Run(outputs, seconds, net.planned_memory)


def _difference(got: dict[str, np.ndarray], wanted: dict[str, np.ndarray]) -> float:
    """The largest difference of a blob as a share of its largest value; infinite if NaN differ."""
    return max((_distance(got[name], values) for name, values in wanted.items()), default=0.0)


def _distance(got: np.ndarray, wanted: np.ndarray) -> float:
    finite = np.isfinite(wanted)
    if got.shape != wanted.shape or not np.array_equal(np.isfinite(got), finite):
        return np.inf
    largest = np.abs(wanted[finite]).max(initial=1e-30)
    return float(np.abs(got - wanted)[finite].max(initial=0) / largest)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--most-gigaflops", type=float, default=4.0)
    args = parser.parse_args()
    failed, compared = 0, 0
    left_out: dict[str, str] = {}
    print("difference  plain  planned  memory of blobs: plain  planned")
    for path in sorted(args.folder.rglob("*.prototxt")):
        name = str(path.relative_to(args.folder))
        try:
            good, line = compare(path, args.most_gigaflops)
        except (CaffeError, NotImplementedError) as problem:
            left_out[name] = str(problem).splitlines()[0][:90]
            continue
        compared += 1
        failed += not good
        print(line, flush=True)
    print(f"{compared} compared, {failed} failed")
    for name, reason in left_out.items():
        print(f"left out: {name}: {reason}")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
