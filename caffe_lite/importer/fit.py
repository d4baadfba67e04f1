"""How a checkpoint's module becomes a unit of the net: an expression for each of its blobs."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from caffe_lite.importer.expressions import Expression
from caffe_lite.importer.modules import Module
from caffe_lite.importer.units import Unit

Fitting = dict[str, Expression]  # by the names of blobs

_TORCH_GATES, _KERAS_GATES = "gates ifgo", "gates ifco"


def fit(unit: Unit, module: Module) -> Fitting | None:
    """Expressions for all blobs of the unit, of all tensors of the module; None if it won't fit."""
    for fitting in _FITTINGS[unit.kind](unit, module):
        used = {name for each in fitting.values() for name in each.tensors}
        complete = fitting.keys() == unit.shapes.keys() and used == module.shapes.keys()
        if complete and all(
            each.fits(module.shapes, unit.shapes[blob]) for blob, each in fitting.items()
        ):
            return fitting
    return None


def _of(module: Module, role: str, *steps: str) -> Expression:
    return Expression((module.roles[role],), steps)


def _product(unit: Unit, module: Module) -> Iterator[Fitting]:
    """Convolutions and fully connected layers; a missing bias is zero."""
    weight = unit.blobs.get("weight")
    role = next((r for r in ("kernel", "depthwise_kernel", "weight") if module.has(r)), None)
    if weight is None or role is None:
        return
    fitting: Fitting = {}
    bias = unit.blobs.get("bias")
    if bias is not None:
        fitting[bias] = _of(module, "bias") if module.has("bias") else Expression(constant=0.0)
    for steps in _layouts(unit, module, role):
        yield {weight: _of(module, role, *steps), **fitting}


def _layouts(unit: Unit, module: Module, role: str) -> Iterator[tuple[str, ...]]:
    axes = len(module.shapes[module.roles[role]])
    back = ("transpose",) if unit.transposed else ()
    if role == "depthwise_kernel":
        yield ("depthwise",)
    elif role == "kernel" and axes > 2:
        yield ("hwio",)
        if axes == 4:
            yield ("depthwise",)
    elif role == "kernel":
        image = (f"hwc {','.join(map(str, unit.image))}",) if unit.image else ()
        yield ("transpose", *image, *back)
    elif unit.transposed:
        yield ("transpose",)
    else:
        yield ()
        yield ("reshape",)  # a fully connected layer as a convolution over the whole image


def _norm(unit: Unit, module: Module) -> Iterator[Fitting]:
    """Running statistics are averages there, so Caffe's factor is 1."""
    keras = module.has("moving_mean", "moving_variance")
    if not keras and not module.has("running_mean", "running_var"):
        return
    names = {
        "mean": "moving_mean" if keras else "running_mean",
        "variance": "moving_variance" if keras else "running_var",
        "scale": "gamma" if keras else "weight",
        "shift": "beta" if keras else "bias",
    }
    ones = {"factor": 1.0, "scale": 1.0, "shift": 0.0}
    yield {
        blob: _of(module, names[role])
        if module.has(names.get(role, ""))
        else Expression(constant=ones.get(role, 0.0))
        for role, blob in unit.blobs.items()
    }


def _lstm(unit: Unit, module: Module) -> Iterator[Fitting]:
    blobs = unit.blobs
    if not {"weight_x", "bias", "weight_h"} <= blobs.keys() or "weight_static" in blobs:
        return
    if module.has("weight_ih", "weight_hh"):
        biases = tuple(module.roles[r] for r in ("bias_ih", "bias_hh") if module.has(r))
        yield {
            blobs["weight_x"]: _of(module, "weight_ih", _TORCH_GATES),
            blobs["weight_h"]: _of(module, "weight_hh", _TORCH_GATES),
            blobs["bias"]: Expression(biases, (_TORCH_GATES,) if biases else ()),
        }
    elif module.has("kernel", "recurrent_kernel"):
        yield {
            blobs["weight_x"]: _of(module, "kernel", "transpose", _KERAS_GATES),
            blobs["weight_h"]: _of(module, "recurrent_kernel", "transpose", _KERAS_GATES),
            blobs["bias"]: _of(module, "bias", _KERAS_GATES)
            if module.has("bias")
            else Expression(constant=0.0),
        }
    elif module.has("weight_x", "bias", "weight_h"):  # what `export --to torch` wrote
        yield {blobs[role]: _of(module, role) for role in ("weight_x", "bias", "weight_h")}


def _single(*roles: str) -> Callable[[Unit, Module], Iterator[Fitting]]:
    """Units of one array, which has one of these roles."""

    def fittings(unit: Unit, module: Module) -> Iterator[Fitting]:
        role = next((each for each in roles if module.has(each)), None)
        if role is not None and "weight" in unit.blobs:
            fitting = {unit.blobs["weight"]: _of(module, role)}
            if "bias" in unit.blobs:
                fitting[unit.blobs["bias"]] = (
                    _of(module, "bias") if module.has("bias") else Expression(constant=0.0)
                )
            yield fitting

    return fittings


def _scale(unit: Unit, module: Module) -> Iterator[Fitting]:
    names = {"scale": ("weight", "gamma"), "shift": ("bias", "beta")}
    found = {}
    for role, blob in unit.blobs.items():
        given = next((each for each in names[role] if module.has(each)), None)
        if given is None:
            return
        found[blob] = _of(module, given)
    yield found


def _other(unit: Unit, module: Module) -> Iterator[Fitting]:
    """As many tensors as blobs, in their order."""
    if len(module.roles) == len(unit.blobs):
        tensors = module.roles.values()
        yield {
            blob: Expression((tensor,))
            for blob, tensor in zip(unit.blobs.values(), tensors, strict=True)
        }


_FITTINGS: dict[str, Callable[[Unit, Module], Iterator[Fitting]]] = {
    "product": _product,
    "norm": _norm,
    "lstm": _lstm,
    "prelu": _single("weight", "alpha"),
    "table": _single("weight", "embeddings", "kernel"),
    "scale": _scale,
    "other": _other,
}
