"""`cv2.dnn` for programs that import cv2: Caffe nets run here, all else in the installed OpenCV."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any

from caffe_lite import dnn
from caffe_lite.dnn.custom import registerLayer, unregisterLayer
from caffe_lite.errors import UsageError

# Suffixes of nets that are not Caffe's.
_OTHERS = (".onnx", ".pb", ".pbtxt", ".cfg", ".weights", ".t7", ".net", ".xml", ".bin", ".tflite")


def install_as_cv2_dnn() -> ModuleType:
    """Put this package in the place of `cv2.dnn`, and return the module `cv2`.

    Names that are not here, and nets of other frameworks, stay those of OpenCV. Raises UsageError
    if OpenCV is not installed.
    """
    try:
        cv2 = import_module("cv2")
    except ImportError as error:
        raise UsageError(
            f"a script that imports cv2 needs OpenCV ({error}): pip install opencv-python; "
            "one that only uses cv2.dnn may import caffe_lite.dnn instead"
        ) from error
    theirs: Any = getattr(cv2, "dnn", None)
    if getattr(theirs, "__caffe_lite__", False):
        return cv2
    module = ModuleType("cv2.dnn", dnn.__doc__)
    vars(module).update({**(vars(theirs) if theirs else {}), **_ours(theirs)})
    vars(module)["__caffe_lite__"] = True
    vars(cv2)["dnn"] = sys.modules["cv2.dnn"] = module
    for name in ("Net", "Layer", "Model", *_MODELS):
        vars(cv2)[f"dnn_{name}"] = getattr(module, name)
    vars(cv2)["dnn_registerLayer"] = registerLayer
    vars(cv2)["dnn_unregisterLayer"] = unregisterLayer
    return cv2


_MODELS = ("ClassificationModel", "DetectionModel", "KeypointsModel", "SegmentationModel")


def _ours(theirs: Any) -> dict[str, Any]:
    names = {name: value for name, value in vars(dnn).items() if not name.startswith("_")}
    names = {name: value for name, value in names.items() if not isinstance(value, ModuleType)}
    for name in ("readNet", *_MODELS):
        if hasattr(theirs, name):
            names[name] = _either(names[name], getattr(theirs, name))
    return names


def _either(ours: Callable[..., Any], theirs: Callable[..., Any]) -> Callable[..., Any]:
    """Call `theirs` for other frameworks' files and OpenCV's own nets, and `ours` for the rest."""

    def call(*args: Any, **kwargs: Any) -> Any:
        given = [*args, *kwargs.values()]
        other = any(
            str(value).lower().endswith(_OTHERS) or type(value).__module__.startswith("cv2")
            for value in given
            if isinstance(value, str) or not isinstance(value, dnn.Net)
        )
        return (theirs if other else ours)(*args, **kwargs)

    call.__name__, call.__doc__ = ours.__name__, ours.__doc__
    return call
