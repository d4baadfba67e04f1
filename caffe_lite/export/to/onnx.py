"""ONNX: a model for ONNX Runtime and every other program that reads the format."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from caffe_lite.errors import UsageError
from caffe_lite.export.choices import choices
from caffe_lite.export.formats import Job
from caffe_lite.export.proof import Proof, Runner, Values, prove, run_net
from caffe_lite.export.trials import continued_trial, trials
from caffe_lite.nets.net import Net
from caffe_lite.proto.atomic import atomic_path

SUFFIX = ".onnx"
EXTRA = "onnx"
PACKAGES = ("onnx",)
CHECKERS = ("onnxruntime",)
OPTIONS = ("opset", "one_sequence", "preprocess")

OPSETS = range(17, 23)  # those that translators are written for


def write(job: Job, path: Path) -> list[Path]:
    """Write the model; see `caffe_lite.export.formats.Format`."""
    from caffe_lite.export.onnx.model import build

    opset = job.options.opset
    if opset is not None and opset not in OPSETS:
        raise UsageError(f"--opset must be {OPSETS[0]} to {OPSETS[-1]}, got {opset}")
    model = build(job)
    with atomic_path(path) as target:
        target.write_bytes(model.SerializeToString())
    return [path]


def check(job: Job, path: Path) -> Proof:
    """Run the file in ONNX Runtime beside the net."""
    from caffe_lite.export.onnx.model import exported_axes
    from caffe_lite.export.onnx.run import GIVEN, runner

    net = job.net
    inputs = trials(net, exported_axes(net), one_sequence=job.options.one_sequence)
    steps, first = job.options.preprocess, next(iter(net.inputs), "")

    def prepare(values: Values) -> Values:
        return {**values, first: steps.apply(first, values[first])} if steps else values

    taken = [choice.blob for choice in choices(net) if choice.taken]
    run = runner(path, list(net.blobs), taken)
    proof = prove(
        net,
        run,
        inputs,
        job.options.tolerance,
        prepare,
        lambda ours: {name + GIVEN: ours[name] for name in taken},
    )
    if taken:
        proof.notes.append(
            f"choices where values may tie, given to the layers that take them: {', '.join(taken)}"
        )
    else:
        _continue(net, run, proof, prepare)
    if len(inputs) == 1:
        proof.notes.append("the net takes no inputs of other shapes")
    return proof


def _continue(net: Net, run: Runner, proof: Proof, prepare: Callable[[Values], Values]) -> None:
    """Compare a second pass, which begins with the states that recurrent layers had at the end."""
    from caffe_lite.export.onnx.site import NEXT

    inputs = continued_trial(net)
    if not inputs:
        return
    first = run(inputs)
    states = {
        name.removesuffix(NEXT): value
        for name, value in first.items()
        if name.endswith(NEXT) and name not in net.blobs
    }
    if states:
        ours = prepare(inputs)
        run_net(net, ours)
        theirs = run({**inputs, **states})
        proof.add(run_net(net, ours, forget=False), theirs, inputs, how=", a second pass")
