"""`import caffe` for scripts that were written for Caffe."""

import sys
from importlib import import_module

from caffe_lite.errors import UsageError

_PACKAGE = "caffe_lite.pycaffe"


def install_as_caffe() -> None:
    """Have `import caffe` give `caffe_lite.pycaffe` in this process, its parts included.

    `from caffe import layers as L`, `import caffe.io`, `caffe.proto.caffe_pb2` and the like then
    work as they are. Call it before the first `import caffe`; once more does nothing. Raises
    UsageError when another package of that name is imported already.
    """
    package = import_module(_PACKAGE)
    other = sys.modules.get("caffe")
    if other is not None and other is not package:
        where = getattr(other, "__file__", None) or "an unknown place"
        raise UsageError(
            f"caffe is imported already, from {where}; call install_as_caffe() before the first "
            "import caffe"
        )
    # Each part under its second name as well, or it would be loaded anew under that.
    for name, module in list(sys.modules.items()):
        if name == _PACKAGE or name.startswith(f"{_PACKAGE}."):
            sys.modules["caffe" + name.removeprefix(_PACKAGE)] = module
