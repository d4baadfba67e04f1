"""Export many nets to PyTorch and compare them with their modules: a line for each.

    python tools/compare_torch.py FILE... [--backward] [--shape data=1,3,224,224]

FILE is a net's prototxt, or an .npz file that holds one as `prototxt`, with weights as
`param/<layer>/<number>`. Other weights are random, of a size that keeps values in range. Each net
is compared at its own shapes and up to two others, in float32; one that differs is compared again
in float64, which tells a wrong formula from rounding. With --backward gradients are compared too.
Ends with the refusals and their reasons; the exit code is 1 if a net differs.
"""

import argparse
import gc
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

from caffe_lite.backend import get_ops
from caffe_lite.errors import CaffeError, ModelError
from caffe_lite.export.formats import Job, Options
from caffe_lite.export.free_axes import free_axes
from caffe_lite.export.inference_net import InferenceNet, inference_net
from caffe_lite.export.preprocess import Preprocess
from caffe_lite.export.proof import TOLERANCE, Proof, prove
from caffe_lite.export.to import torch as to_torch
from caffe_lite.export.torch.gradients import compare_gradients, net_in_double
from caffe_lite.export.torch.module import generate
from caffe_lite.export.torch.run import load_net as load_module
from caffe_lite.export.torch.run import run_arrays
from caffe_lite.export.trials import trials
from caffe_lite.nets.net import Net
from caffe_lite.proto import schema, text
from caffe_lite.proto.load import load_net
from caffe_lite.types import Array, NetParameter, Shape

_NORMS = ("BatchNorm", "BN")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--backward", action="store_true")
    parser.add_argument("--shape", action="append", default=[], metavar="NAME=N,...")
    args = parser.parse_args()
    shapes = {}
    for given in args.shape:
        name, _, sizes = given.partition("=")
        shapes[name] = tuple(map(int, sizes.split(",")))
    counts: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    for path in args.files:
        start = time.perf_counter()
        verdict, what = _try(path, shapes, args.backward)
        counts[verdict] += 1
        if verdict == "refused":
            reasons[what] += 1
        seconds = time.perf_counter() - start
        print(f"{verdict:8} {seconds:6.1f} s  {'/'.join(path.parts[-2:])}: {what}", flush=True)
        gc.collect()
    print(", ".join(f"{count} {verdict}" for verdict, count in counts.items()))
    for reason, count in reasons.most_common():
        print(f"{count:4} {reason}")
    return int(counts["differs"] > 0)


def _try(path: Path, shapes: dict[str, Shape], backward: bool) -> tuple[str, str]:
    """What came of one net: equal, rounding, differs, refused or not built, and details."""
    try:
        definition, weights = _read(path)
        inference = _inference(definition, shapes)
        net = Net(inference.param, seed=0)
    except CaffeError as error:
        return "no net", str(error)
    with net:
        try:
            generate(net, inference.param, inference.outputs, "", Preprocess())
        except ModelError as error:
            return "refused", str(error)
        try:
            set_weights(net, weights)
            balance(net, given=set(weights))
            proof = compare(net, inference)
            if backward:
                _backward(net, inference, proof)
        except CaffeError as error:
            return "no run", str(error)
        found = f"{len(proof.worst())} blobs, {_largest(proof):.1e}"
        if proof.first_difference is None:
            return "equal", found
        double = Net(inference.param, ops=get_ops(dtype="float64"), seed=0)
        with double:
            for ours, theirs in zip(double.learnable_params, net.learnable_params, strict=True):
                ours.load(net.ops.to_host(theirs.data))
            exact = compare(double, inference)
        first = exact.first_difference
        if first is None:
            return "rounding", f"{found} in float32, {_largest(exact):.1e} in float64"
        return "differs", f'"{first.blob}" by {first.difference:.1e} in float64'


def _inference(definition: NetParameter, shapes: dict[str, Shape]) -> InferenceNet:
    """The net at its own shapes; those given are for inputs whose shapes it does not say."""
    try:
        return inference_net(definition)
    except ModelError:
        tops = {top for layer in definition.layer for top in layer.top}
        given = {name: shape for name, shape in shapes.items() if name in tops}
        if not given:
            raise
        return inference_net(definition, shapes=given)


def _largest(proof: Proof) -> float:
    return max((row.difference for row in proof.rows), default=0.0)


def _read(path: Path) -> tuple[NetParameter, dict[str, Array]]:
    """The definition, and the weights by "layer/number"."""
    if path.suffix != ".npz":
        return load_net(path, unknown="warn"), {}
    with np.load(path) as file:
        definition = text.parse(str(file["prototxt"]), schema.NetParameter)
        names = [name for name in file.files if name.startswith("param/")]
        return definition, {name.removeprefix("param/"): file[name] for name in names}


def set_weights(net: Net, weights: dict[str, Array]) -> None:
    """Give all learned blobs values: those given, or random ones of the same seed."""
    rng = np.random.default_rng(0)
    for layer in net.layers:
        for i, blob in enumerate(layer.blobs):
            shape = blob.shape
            if layer.type in _NORMS:
                values = rng.uniform(0.5, 1.5, shape)
            elif len(shape) > 1:
                values = rng.normal(size=shape) * np.sqrt(2 / np.prod(shape[1:]))
            else:
                values = rng.uniform(-0.1, 0.1, shape) + (layer.type in ("Scale", "Normalize"))
            found = weights.get(f"{layer.name}/{i}")
            blob.load(np.asarray(values if found is None else found, np.float32).reshape(shape))


def balance(net: Net, given: set[str]) -> None:
    """Scale random weights so that each layer with products gives values of deviation 1.

    Otherwise values of deep nets grow until scores are all 0 or 1, and rounding decides.
    """
    for name, values in trials(net, [])[0].items():
        net.blobs[name].load(values)
    for i, layer in enumerate(net.layers):
        net.forward(i, i)
        products = layer.blobs and len(layer.blobs[0].shape) > 1 and layer.type not in _NORMS
        if not products or f"{layer.name}/0" in given:
            continue
        deviation = float(net.ops.to_host(net.top_vecs[i][0].data).std())
        if 0 < deviation < np.inf:
            for blob in layer.blobs:
                blob.load(net.ops.to_host(blob.data) / np.float32(deviation))
            net.forward(i, i)


def compare(net: Net, inference: InferenceNet) -> Proof:
    """The proof of an export in the net's element type."""
    job = Job(net, inference, inference.param, Options(checked=True), "net.prototxt")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "net.py")
        to_torch.write(job, path)
        module = load_module(path)
    made = generate(net, inference.param, inference.outputs, "", Preprocess())
    double = net.ops.dtype == np.float64
    module = module.double() if double else module
    tried = trials(net, free_axes(net))
    if double:
        tried = [{name: x.astype(np.float64) for name, x in each.items()} for each in tried]
    return prove(net, lambda x: run_arrays(module, made.variables, x), tried, TOLERANCE)


def _backward(net: Net, inference: InferenceNet, proof: Proof) -> None:
    job = Job(net, inference, inference.param, Options(), "net.prototxt")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "net.py")
        to_torch.write(job, path)
        module = load_module(path).double()
    double = net_in_double(net, inference)
    with double.net:
        made = generate(double.net, double.param, double.outputs, "", Preprocess())
        for inputs in trials(net, [])[:1]:
            rows, _ = compare_gradients(module, made, double, inputs)
            proof.rows += rows


if __name__ == "__main__":
    sys.exit(main())
