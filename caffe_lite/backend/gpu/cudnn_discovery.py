"""Finding cuDNN: through NVIDIA's front end, else as a C library."""

import logging
import os
from collections.abc import Callable
from functools import cache
from typing import Any

from caffe_lite.backend.gpu.cudnn import Library
from caffe_lite.backend.gpu.cudnn_frontend import FrontEnd
from caffe_lite.backend.gpu.cudnn_library import CLibrary, open_library

EXTRAS = "extra cudnn13 or cudnn12"

log = logging.getLogger("caffe_lite.backend")


@cache
def import_front_end() -> Any:
    """NVIDIA's front end to cuDNN, or None if either is missing."""
    try:
        import cudnn

        cudnn.backend_version_string()  # fails if cuDNN itself is missing
    except Exception as error:  # loading its C libraries fails in various ways
        log.debug("no front end to cuDNN (%s): %s", EXTRAS, error)
        return None
    return cudnn


@cache
def find_library() -> Any:
    """cuDNN as a C library, as PyTorch installs it, or None if it is missing."""
    try:
        return open_library()
    except OSError as error:
        log.debug("no cuDNN (%s): %s", EXTRAS, error)
        return None


def open_cudnn(stream: int, tf32: bool, most_bytes: int) -> Library | None:
    """cuDNN for one stream, or None if it is missing or fails to start.

    `tf32` allows products to round their factors to TF32; plans that need more than `most_bytes` of
    workspace are left out. CAFFE_LITE_CUDNN=0 in the environment disables cuDNN.
    """
    if os.environ.get("CAFFE_LITE_CUDNN") == "0":
        return None
    ways: list[tuple[Callable[[], Any], Any]]
    ways = [(import_front_end, FrontEnd), (find_library, CLibrary)]
    for find, start in ways:
        found = find()
        if found is None:
            continue
        try:
            library: Library = start(found, stream, tf32, most_bytes)
            return library
        except Exception as error:  # an unusable installation counts as none
            log.debug("cuDNN does not start: %s", error)
    return None
