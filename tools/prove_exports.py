"""Export nets and recorded layers, and prove each export: what is exact, what is refused and why.

    python -m tools.prove_exports onnx RECORDED.npz NET.prototxt FOLDER ... [--nets 40]

A folder stands for all nets and recorded layers in it. Nets get random weights; batches become 1
and images smaller where a net permits it and would take long otherwise. Prints a line for each and
a summary as Markdown; the exit code is 1 if an export differs from its net.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from caffe_lite.errors import CaffeError
from caffe_lite.export.formats import Format, Job, Options, find_format
from caffe_lite.export.free_axes import free_axes, with_size
from caffe_lite.export.inference_net import InferenceNet, inference_net
from caffe_lite.nets.net import Net
from caffe_lite.proto import load, schema
from caffe_lite.proto.kinds import definition_kind
from caffe_lite.types import NetParameter, Shape

MOST = 3e9  # multiply-adds of one forward pass, above which a net is made smaller
LEAST_SIDE = 64  # of an image that is made smaller

NOTHING_LEFT = "nothing is left of it"


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("format")
    parser.add_argument("paths", nargs="+", type=Path)
    parser.add_argument("--nets", type=int, help="stop after this many nets were tried")
    parser.add_argument("--most", type=float, default=10 * MOST, help="multiply-adds to accept")
    args = parser.parse_args(argv)
    target = find_format(args.format)
    results: Counter[str] = Counter()
    refused = []
    for path in _files(args.paths):
        if args.nets is not None and sum(results.values()) >= args.nets:
            break
        begin = time.perf_counter()
        kind, text = _try(target, path, args.most)
        seconds = time.perf_counter() - begin
        print(f"{kind:8} {_name(path)}: {text} ({seconds:.1f} s)", flush=True)
        if kind != "no net":
            results[kind] += 1
        if kind in ("refused", "differs"):
            refused.append(f"- {_name(path)}: {text}")
    print("\n" + ", ".join(f"{count} {kind}" for kind, count in results.most_common()))
    print("\n".join(refused))
    return int(results["differs"] > 0)


def _name(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def _files(paths: list[Path]) -> Iterator[Path]:
    """The files, those of a folder one from each of its folders in turn."""
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        queues: dict[Path, list[Path]] = {}
        for file in sorted([*path.rglob("*.prototxt"), *path.rglob("*.npz")]):
            queues.setdefault(file.parent, []).append(file)
        while queues:
            for folder in list(queues):
                yield queues[folder].pop(0)
                if not queues[folder]:
                    del queues[folder]


def _try(target: Format, path: Path, most: float) -> tuple[str, str]:
    """What became of an export, and in words."""
    try:
        read = _recorded(path) if path.suffix == ".npz" else _net(path)
        if read is None:
            return "no net", "a solver or a message of another kind"
        definition, set_weights = read
        inference = _smaller(definition, inference_net(definition), most)
        net = Net(inference.param, seed=0)
    except CaffeError as error:
        return "no net", str(error)
    with net, tempfile.TemporaryDirectory() as folder:
        cost = _cost(net)
        if cost > most:
            return "no net", f"{cost:.1e} multiply-adds are too many here"
        set_weights(net)
        job = Job(net, inference, definition, Options())
        try:
            file = target.write(job, Path(folder) / f"net{target.suffix}")[0]
        except CaffeError as error:
            return "refused", str(error)
        try:
            proof = target.check(job, file)
        except CaffeError as error:
            return "differs", str(error)
        largest = max((row.difference for row in proof.rows), default=np.nan)
        blobs, runs = len(proof.worst()), len({row.inputs for row in proof.rows})
        if proof.exit_code:
            return "differs", proof.text().splitlines()[-1]
        return "exact", f"{blobs} blobs, {runs} shapes, largest difference {largest:.1e}"


def _net(path: Path) -> tuple[NetParameter, Callable[[Net], None]] | None:
    if definition_kind(str(path)) != "net":
        return None
    return load.load_net(path, unknown="warn"), random_weights


def _recorded(path: Path) -> tuple[NetParameter, Callable[[Net], None]]:
    """A recorded layer, with its weights, in its phase."""
    values = np.load(path)
    definition = load.decode(str(values["prototxt"]).encode(), schema.NetParameter, str(path))

    def set_weights(net: Net) -> None:
        for layer in net.layers:
            for i, blob in enumerate(layer.blobs):
                key = f"param/{layer.name}/{i}"
                if key in values:
                    blob.load(values[key].reshape(blob.shape))

    return definition, set_weights


def random_weights(net: Net) -> None:
    """Weights of the size at which values neither grow nor vanish; variances are positive."""
    rng = np.random.default_rng(0)
    for layer in net.layers:
        for i, blob in enumerate(layer.blobs):
            normal = rng.normal(size=blob.shape)
            if layer.type in ("BatchNorm", "BN", "Scale"):
                blob.load(rng.uniform(0.5, 1.5, blob.shape) if i != 0 else normal * 0.2 + 1)
            else:
                taken = int(np.prod(blob.shape[1:])) if len(blob.shape) > 1 else 50
                blob.load(normal * np.sqrt(2 / max(taken, 1)))


def _cost(net: Net) -> int:
    return sum(
        layer.multiply_adds(bottom, top)
        for layer, bottom, top in zip(net.layers, net.bottom_vecs, net.top_vecs, strict=True)
    )


def _smaller(definition: NetParameter, given: InferenceNet, most: float) -> InferenceNet:
    """The net with a batch of 1 and smaller images, where it takes long and permits them."""
    with Net(given.param, seed=0) as net:
        if _cost(net) <= MOST:
            return given
        axes = {axis.name: axis for axis in free_axes(net)}
        shapes: dict[str, Shape] = dict(given.inputs)
        for name in ("N", "H", "W"):
            if name not in axes:
                continue
            size = axes[name].size
            sizes = [1, 8, 16, 24, 32] if name == "N" else [size // 4, size // 2]
            for smaller in sizes:
                if name == "N" or smaller >= LEAST_SIDE:
                    changed = with_size(shapes, axes[name].members, smaller)
                    if _takes(net, changed):
                        shapes = changed
                        break
    made = inference_net(definition, shapes=shapes)
    return replace(made, inputs=shapes)


def _takes(net: Net, shapes: dict[str, Shape]) -> bool:
    try:
        for name, shape in shapes.items():
            net.blobs[name].reshape(*shape)
        net.reshape(keep_varying=True)
    except CaffeError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
