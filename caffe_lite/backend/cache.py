"""Where compiled code and measured choices are kept from one process to the next."""

import os
from pathlib import Path


def cache_folder() -> Path | None:
    """CAFFE_LITE_CACHE, else `caffe_lite` in XDG_CACHE_HOME or ~/.cache.

    None, for nothing is to be kept, where CAFFE_LITE_CACHE is empty.
    """
    named = os.environ.get("CAFFE_LITE_CACHE")
    if named is not None:
        return Path(named) if named else None
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "caffe_lite"
