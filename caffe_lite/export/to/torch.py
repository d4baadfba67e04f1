"""A Python module that needs PyTorch alone, and its weights as a safetensors file beside it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from caffe_lite.errors import UsageError
from caffe_lite.export.formats import Job
from caffe_lite.export.free_axes import free_axes
from caffe_lite.export.preprocess import Preprocess
from caffe_lite.export.proof import Proof, Values, prove
from caffe_lite.export.torch.module import Module, generate
from caffe_lite.export.trials import trials
from caffe_lite.proto import text
from caffe_lite.proto.atomic import atomic_path
from caffe_lite.weights.named import blob_name
from caffe_lite.weights.safetensors import write_tensors
from caffe_lite.weights.stored import ArrayBlob

SUFFIX = ".py"
EXTRA = "torch"
PACKAGES = ()
CHECKERS = ("torch",)
OPTIONS = ("preprocess", "check_backward")


def write(job: Job, path: Path) -> list[Path]:
    """Write the module to `path`, and its weights beside it; ModelError before either."""
    if not path.stem.isidentifier() or path.suffix != ".py":
        raise UsageError(f"--out {path}: a module's name is an identifier and ends in .py")
    module = _module(job)
    weights = path.with_suffix(".safetensors")
    blobs = {
        name: ArrayBlob(np.ascontiguousarray(tensor.values(), np.float32))
        for name, tensor in module.tensors.items()
    }
    blobs |= {name: ArrayBlob(value) for name, value in module.constants.items()}
    write_tensors(blobs, _texts(job, module), weights)
    with atomic_path(path) as temporary:
        temporary.write_text(module.text, encoding="utf-8")
    return [path, weights]


def _module(job: Job) -> Module:
    return generate(
        job.net,
        job.inference.param,
        job.inference.outputs,
        Path(job.source).name,
        job.options.preprocess,
    )


def _texts(job: Job, module: Module) -> dict[str, str]:
    """The definition, and which blob each tensor is."""
    blobs = {
        name: blob_name(tensor.layer, tensor.slot.index) for name, tensor in module.tensors.items()
    }
    return {
        "definition": text.format(job.inference.param),
        "blobs": json.dumps(blobs, ensure_ascii=False),
        "checked": "yes" if job.options.checked else "no",
    }


def check(job: Job, path: Path) -> Proof:
    """Run the module beside the net, and compare gradients if that is asked for."""
    from caffe_lite.export.torch.run import load_net, run_arrays

    module, net = _module(job), load_net(path)
    tried = trials(job.net, free_axes(job.net))
    steps, first = job.options.preprocess, next(iter(job.net.inputs), "")

    def prepare(inputs: Values) -> Values:
        return {**inputs, first: steps.apply(first, inputs[first])} if steps else inputs

    proof = prove(
        job.net,
        lambda inputs: run_arrays(net, module.variables, inputs),
        tried,
        job.options.tolerance,
        prepare,
    )
    if len(tried) == 1:
        proof.notes.append("the net takes no inputs of other shapes")
    if job.options.check_backward:
        _check_backward(job, net.double(), tried, list(map(prepare, tried)), proof)
    return proof


def _check_backward(
    job: Job,
    net: object,
    tried: Sequence[Values],
    prepared: Sequence[Values],
    proof: Proof,
) -> None:
    from caffe_lite.export.torch.gradients import compare_gradients, net_in_double

    double = net_in_double(job.net, job.inference)
    with double.net:
        module = generate(double.net, double.param, double.outputs, "", Preprocess())
        for inputs, own in zip(tried, prepared, strict=True):
            rows, notes = compare_gradients(net, module, double, inputs, own)
            proof.rows += rows
            proof.notes += [note for note in notes if note not in proof.notes]
