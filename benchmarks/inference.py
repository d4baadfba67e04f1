"""Times forward passes of well-known nets on the CPU beside other engines, in one process in turn.

    python benchmarks/inference.py [--record FILE] [--only TEXT] [--batch N ...] [--threads N ...]
                                   [--rounds N] [--engines NAME,...]

The engines are this package with and without a plan, PyTorch in two layouts, ONNX Runtime,
OpenVINO and OpenCV; those that are not installed are left out. All get the net with the same random
weights: through `caffe_lite export --to onnx` and `--to torch`. The table gives medians of the
rounds in milliseconds, the ratio of ours to the better of ONNX Runtime and OpenVINO (the median of
the rounds' ratios), and the largest error of an output against the same net in float64, relative
to the largest output.
"""

import argparse
import importlib.util
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from datetime import date
from io import StringIO
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.inference_nets import NETS  # noqa: E402
from caffe_lite.backend import get_ops  # noqa: E402
from caffe_lite.backend.describe import processor_name  # noqa: E402
from caffe_lite.backend.processors import thread_count  # noqa: E402
from caffe_lite.cli import main as command  # noqa: E402
from caffe_lite.nets.net import Net  # noqa: E402
from caffe_lite.proto import schema, text  # noqa: E402
from caffe_lite.weights import write_caffemodel  # noqa: E402

Run = Callable[[], np.ndarray]
OURS, PLAIN = "caffe_lite", "no plan"


def build(definition: str, dtype: str = "float32") -> Net:
    """The net with random weights that keep the values of each layer near 1."""
    param = text.parse(definition, schema.NetParameter)
    net = Net(param, schema.TEST, get_ops(dtype=dtype), seed=1)
    rng = np.random.default_rng(1)
    for layer in net.layers:
        for i, blob in enumerate(layer.blobs):
            if layer.type in ("BatchNorm", "Scale"):
                values = np.ones(1) if i == 2 else rng.uniform(0.5, 1.5, blob.shape)
            else:
                fan_in = blob.count // blob.shape[0]
                values = rng.standard_normal(blob.shape, np.float32) * np.sqrt(2 / fan_in)
            blob.data[...] = values
    return net


class Case:
    """One net and batch in files, and the engines that run it on one input."""

    def __init__(self, name: str, batch: int, threads: int, folder: Path) -> None:
        self.definition, self.threads = NETS[name](batch), threads
        self.net = build(self.definition)
        self.x = np.random.default_rng(2).normal(size=self.net.blobs["data"].shape)
        self.x = self.x.astype(np.float32)
        self._tame_scores()
        self.model, self.weights = folder / "net.prototxt", folder / "net.caffemodel"
        self.model.write_text(self.definition)
        write_caffemodel(self.net, self.weights)
        self.folder = folder

    def _tame_scores(self) -> None:
        """Scale the last weights so that the scores differ by about 1: else one class is 1."""
        self.net.blobs["data"].data[...] = self.x
        self.net.forward()
        last = [layer for layer in self.net.layers if layer.blobs][-1]
        scores = self.net.blobs[self.net.top_names[last.name][0]].data
        for blob in last.blobs:
            blob.data[...] /= scores.std()

    def exact(self) -> np.ndarray:
        net = build(self.definition, "float64")
        for mine, its in zip(net.learnable_params, self.net.learnable_params, strict=True):
            mine.data[...] = its.data
        net.blobs["data"].data[...] = self.x
        net.forward()
        return net.blobs["prob"].data

    def exported(self, to: str) -> Path:
        path = self.folder / {"onnx": "net.onnx", "torch": "net_torch.py"}[to]
        if not path.exists():
            given = [str(self.model), "--weights", str(self.weights), "--to", to, "--no-check"]
            with redirect_stdout(StringIO()):
                if command(["export", *given, "--out", str(path)]):
                    raise SystemExit(f"cannot export {self.model} to {to}")
        return path

    def ours(self, planned: bool) -> Run:
        net = self.net if planned else build(self.definition)
        net.optimize(planned)
        net.blobs["data"].data[...] = self.x
        prob = net.blobs["prob"]

        def run() -> np.ndarray:
            net.forward()
            return prob.data

        return run

    def torch(self, channels_last: bool) -> Run:
        import torch

        torch.set_num_threads(self.threads)
        path = self.exported("torch")
        spec = importlib.util.spec_from_file_location("net_torch", path)
        module = importlib.util.module_from_spec(spec)
        sys.modules["net_torch"] = module  # dataclasses look their module up
        spec.loader.exec_module(module)
        model = module.load() if hasattr(module, "load") else module.Net()
        model = model.eval()
        x = torch.from_numpy(self.x)
        if channels_last:
            model, x = (a.to(memory_format=torch.channels_last) for a in (model, x))

        def run() -> np.ndarray:
            with torch.inference_mode():
                y = model(x)
            y = next(iter(y.values())) if isinstance(y, dict) else y
            return (y[0] if isinstance(y, tuple) else y).numpy()

        return run

    def onnx_runtime(self) -> Run:
        import onnxruntime

        given = onnxruntime.SessionOptions()
        given.intra_op_num_threads, given.log_severity_level = self.threads, 3
        session = onnxruntime.InferenceSession(
            str(self.exported("onnx")), given, providers=["CPUExecutionProvider"]
        )
        return lambda: session.run(None, {session.get_inputs()[0].name: self.x})[0]

    def openvino(self) -> Run:
        import openvino

        settings = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": self.threads,
            "INFERENCE_PRECISION_HINT": "f32",
        }
        core = openvino.Core()
        model = core.read_model(str(self.exported("onnx")))
        model.reshape(list(self.x.shape))
        request = core.compile_model(model, "CPU", settings).create_infer_request()
        tensor = openvino.Tensor(self.x, shared_memory=True)
        request.set_input_tensor(tensor)

        def run() -> np.ndarray:
            request.infer()
            return request.get_output_tensor().data

        return run

    def opencv(self) -> Run:
        import cv2

        cv2.setNumThreads(self.threads)
        net = cv2.dnn.readNetFromCaffe(str(self.model), str(self.weights))

        def run() -> np.ndarray:
            net.setInput(self.x)
            return net.forward()

        return run

    def engines(self) -> dict[str, Callable[[], Run]]:
        return {
            OURS: lambda: self.ours(planned=True),
            PLAIN: lambda: self.ours(planned=False),
            "PyTorch": lambda: self.torch(channels_last=False),
            "channels-last": lambda: self.torch(channels_last=True),
            "ONNX Runtime": self.onnx_runtime,
            "OpenVINO": self.openvino,
            "OpenCV": self.opencv,
        }


def clock(run: Run, seconds: float, now: Callable[[], float]) -> float:
    """Milliseconds of one call by the clock `now`, over as many as fit into `seconds`."""
    run()  # the other engines' data are in the cache
    count, begin = 0, now()
    while True:
        run()
        count += 1
        passed = now() - begin
        if passed > seconds:
            return 1000 * passed / count


def measure(name: str, batch: int, threads: int, args: argparse.Namespace, names: list[str]) -> str:
    """The table's row for one net, batch and number of threads."""
    now = time.process_time if args.cpu_time else time.perf_counter
    with tempfile.TemporaryDirectory() as folder:
        case = Case(name, batch, threads, Path(folder))
        makers = case.engines()
        runs = {engine: makers[engine]() for engine in names if engine in makers}
        exact = case.exact()
        errors = {e: np.abs(r() - exact.reshape(r().shape)).max() for e, r in runs.items()}
        times: dict[str, list[float]] = {engine: [] for engine in runs}
        for _ in range(args.rounds):
            for engine, run in runs.items():
                times[engine].append(clock(run, args.seconds, now))
    peers = [times[engine] for engine in ("ONNX Runtime", "OpenVINO") if engine in times]
    ratio = ""
    if peers and OURS in times:
        best = [min(values) for values in zip(*peers, strict=True)]
        of_rounds = [a / b for a, b in zip(times[OURS], best, strict=True)]
        ratio = f"{statistics.median(of_rounds):.2f}"
    cells = [f"{statistics.median(times[e]):.2f}" if e in times else "" for e in names]
    worst = errors.get(OURS, np.nan) / np.abs(exact).max()
    others = max((v for e, v in errors.items() if e not in (OURS, PLAIN)), default=np.nan)
    row = [name, str(batch), str(threads), *cells, ratio, f"{worst:.1e}"]
    return f"| {' | '.join([*row, f'{others / np.abs(exact).max():.1e}'])} |"


def main() -> None:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--record", type=Path, help="append the table to this file")
    parser.add_argument("--only", default="", help="nets whose name contains this")
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--threads", type=int, nargs="+", default=[thread_count()])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.3, help="of each engine in a round")
    parser.add_argument(
        "--cpu-time", action="store_true", help="processor time, for one thread on a busy machine"
    )
    parser.add_argument("--engines", default="", help="names, separated by commas")
    args = parser.parse_args()
    if len(args.threads) > 1:  # the pools take their size when they start
        for threads in args.threads:
            given = [
                a for a in sys.argv[1:] if a != "--threads" and a not in map(str, args.threads)
            ]
            subprocess.run(
                [sys.executable, __file__, *given, "--threads", str(threads)], check=True
            )
        return
    (threads,) = args.threads
    if threads != thread_count():
        environment = {**os.environ, "CAFFE_LITE_THREADS": str(threads)}
        subprocess.run([sys.executable, *sys.argv], check=True, env=environment)
        return
    packages = {"PyTorch": "torch", "channels-last": "torch", "ONNX Runtime": "onnxruntime"}
    packages |= {"OpenVINO": "openvino", "OpenCV": "cv2"}
    every = [OURS, PLAIN, *packages]
    names = [n for n in (args.engines.split(",") if args.engines else every)]
    names = [n for n in names if n not in packages or importlib.util.find_spec(packages[n])]
    lines = [
        f"{date.today()}, {processor_name()}, {type(get_ops()).__name__}; medians of "
        f"{args.rounds} rounds, ms.",
        "",
        f"| net | batch | threads | {' | '.join(names)} | ratio | error | of others |",
        f"|---|---:|---:|{'---:|' * len(names)}---:|---:|---:|",
    ]
    print("\n".join(lines), flush=True)
    for name in NETS:
        for batch in args.batch:
            if args.only.lower() in name.lower():
                lines.append(measure(name, batch, threads, args, names))
                print(lines[-1], flush=True)
    if args.record:
        with args.record.open("a") as file:
            file.write("\n" + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
