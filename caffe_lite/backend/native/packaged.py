"""The C library that a platform wheel contains.

One shared object holds the functions for both element types and several instruction sets, as
`float_avx2_gemm` and so on; `tools/native_wheel/` builds it. A source tree has none.
"""

import ctypes
from pathlib import Path

PATH = Path(__file__).with_name("library.so")


def prefix(element: str) -> str:
    """What precedes the names of the functions for `element` that suit this processor best.

    Raises OSError or AttributeError if the file is not such a library.
    """
    best = ctypes.CDLL(str(PATH)).best_level
    best.restype = ctypes.c_char_p
    return f"{element}_{best().decode()}_"
