"""`import caffe` for scripts that were written for Caffe."""

import sys
from importlib import import_module

from caffe_lite.errors import UsageError

_PACKAGE = "caffe_lite.pycaffe"


def install_as_caffe() -> None:
    """Make `import caffe` import `caffe_lite.pycaffe` in this process, with its submodules.

    `from caffe import layers as L`, `import caffe.io`, `caffe.proto.caffe_pb2` and the like then
    work unchanged. Call it before the first `import caffe`; a second call does nothing. Raises
    UsageError if another package called caffe is already imported.
    """
    package = import_module(_PACKAGE)
    other = sys.modules.get("caffe")
    if other is not None and other is not package:
        where = getattr(other, "__file__", None) or "an unknown file"
        raise UsageError(
            f"another caffe is already imported, from {where}; call install_as_caffe() before the "
            "first import caffe"
        )
    # Without its second name each submodule would be loaded a second time.
    for name, module in list(sys.modules.items()):
        if name == _PACKAGE or name.startswith(f"{_PACKAGE}."):
            sys.modules["caffe" + name.removeprefix(_PACKAGE)] = module
