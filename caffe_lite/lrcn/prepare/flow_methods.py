"""The methods of optical flow, and the best one that is installed."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from caffe_lite.backend import native
from caffe_lite.backend.processors import thread_count
from caffe_lite.data.optical_flow import optical_flow
from caffe_lite.errors import CaffeError
from caffe_lite.lrcn.prepare import inverse_search

Compute = Callable[
    [np.ndarray, np.ndarray], np.ndarray
]  # two frames uint8, B G R or grey -> (H, W, 2)


@dataclass(frozen=True)
class FlowMethod:
    """`make` returns the function; frames need `smallest` pixels on their shorter side."""

    title: str
    make: Callable[[], Compute]
    smallest: int


def _opencv() -> Compute:
    try:
        cv2: Any = import_module("cv2")
    except ImportError:
        raise CaffeError(
            "the flow method opencv needs OpenCV, which is not installed: "
            'pip install "caffe_lite[flow]", or use dis'
        ) from None
    cv2.setNumThreads(thread_count())
    search = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)

    def grey(frame: np.ndarray) -> Any:
        return frame if frame.ndim == 2 else cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)

    def compute(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        return np.asarray(search.calc(grey(first), grey(second), None))

    return compute


METHODS = {
    "opencv": FlowMethod("OpenCV's dense inverse search (DIS)", _opencv, 12),
    "dis": FlowMethod(
        "dense inverse search (DIS) in C", inverse_search.InverseSearch, inverse_search.SMALLEST
    ),
    "tvl1": FlowMethod("TV-L1 in NumPy", lambda: optical_flow, 2),
}


def best_method() -> str:
    """OpenCV's DIS if it is installed, else our own if there is native code, else TV-L1."""
    return "opencv" if find_spec("cv2") is not None else own_method()


def own_method() -> str:
    """Our own DIS if there is native code, else TV-L1: the same flow whatever is installed."""
    return "dis" if native.load("float32") is not None else "tvl1"
