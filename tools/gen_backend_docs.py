"""Write the table of operations into caffe_lite/backend/README.md, from the classes themselves.

python tools/gen_backend_docs.py
"""

import inspect
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from caffe_lite import backend  # noqa: E402
from caffe_lite.backend.cpu.ops import NumpyOps  # noqa: E402
from caffe_lite.backend.gpu.ops import CupyOps  # noqa: E402
from caffe_lite.backend.native.ops import NativeOps  # noqa: E402
from caffe_lite.backend.reference.base import OpsBase  # noqa: E402
from caffe_lite.backend.reference.ops import Ops  # noqa: E402

README = Path(backend.__file__).with_name("README.md")  # of the package in use
BEGIN, END = "<!-- operations: begin -->\n", "<!-- operations: end -->\n"
HEAD = "| operation | `Ops` | `NumpyOps` | `NativeOps` | `CupyOps` |\n|---|---|---|---|---|\n"


def operations() -> dict[str, list[str]]:
    """The public methods of each class of the reference implementation, by the class's name."""
    return {
        group.__name__: [
            name
            for name, value in vars(group).items()
            if inspect.isfunction(value) and not name.startswith("_")
        ]
        for group in Ops.__mro__[1:]
        if issubclass(group, OpsBase) and group is not OpsBase
    }


def provider(ops: type, operation: str) -> str:
    """The name of the class whose method the backend `ops` runs for an operation."""
    return next(cls.__name__ for cls in ops.__mro__ if operation in vars(cls))


def table() -> str:
    """A row per operation: the class that a backend runs, or an arrow to where it falls back."""
    rows = []
    for group, names in operations().items():
        for name in names:
            numpy, native, cupy = (provider(b, name) for b in (NumpyOps, NativeOps, CupyOps))
            cells = (
                "←" if numpy == group else numpy,
                "←" if native == numpy else native,
                "`Ops`" if cupy == group else cupy,
            )
            rows.append(f"| `{name}` | {group} | {' | '.join(cells)} |\n")
    return HEAD + "".join(rows)


def page(text: str) -> str:
    """The README's text with the table between its two markers replaced."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{table()}{END}{after}"


def main() -> None:
    README.write_text(page(README.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
