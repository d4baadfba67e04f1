"""The formats that nets are exported to: one module in `caffe_lite/export/to/` for each.

A new format is a new file there, listed nowhere. It defines what `Format` describes, and imports
the packages that it needs inside its functions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from pkgutil import iter_modules
from typing import NamedTuple

from caffe_lite.errors import CaffeError, UsageError, did_you_mean
from caffe_lite.export import to
from caffe_lite.export.inference_net import InferenceNet
from caffe_lite.export.preprocess import Preprocess
from caffe_lite.export.proof import TOLERANCE, Proof
from caffe_lite.nets.net import Net
from caffe_lite.types import NetParameter


@dataclass(frozen=True)
class Options:
    """How a net is exported. A format refuses those that it does not list in its `OPTIONS`.

    `opset` is the ONNX operator set, None for the default. With `one_sequence` every sequence
    begins at the first time step and nowhere else. `checked` is false where --no-check leaves the
    proof out. With `check_backward` the proof compares gradients too.
    """

    opset: int | None = None
    one_sequence: bool = False
    preprocess: Preprocess = field(default_factory=Preprocess)
    checked: bool = True
    check_backward: bool = False
    tolerance: float = TOLERANCE


@dataclass(frozen=True)
class Job:
    """What is exported: `net`, built from `inference.param` in the phase TEST, with its weights.

    `definition` is the whole net as the file has it, `source` the file.
    """

    net: Net
    inference: InferenceNet
    definition: NetParameter
    options: Options
    source: str = ""


class Format(NamedTuple):
    """What a module of `caffe_lite/export/to/` defines, in capitals except the functions.

    SUFFIX    ends the file's name when --out is not given: ".onnx"
    EXTRA     the extra of this package that installs what it needs: "onnx"; "" if nothing
    PACKAGES  the packages that `write` imports
    CHECKERS  the packages that `check` imports besides
    OPTIONS   the fields of `Options` that it honours, of those that only some formats have
    write     writes the files, the first of which is `path`, whole or not at all, and returns them
    check     runs what was written beside the net
    """

    name: str
    suffix: str
    extra: str
    packages: tuple[str, ...]
    checkers: tuple[str, ...]
    options: frozenset[str]
    write: Callable[[Job, Path], list[Path]]
    check: Callable[[Job, Path], Proof]

    def require_packages(self, checked: bool) -> None:
        """Raise CaffeError if a package is missing, naming the extra that installs it."""
        for package in (*self.packages, *(self.checkers if checked else ())):
            if find_spec(package) is None:
                checking = package not in self.packages
                what = "the proof of an export" if checking else "an export"
                rest = ", or leave the proof out with --no-check" if checking else ""
                raise CaffeError(
                    f"{what} to {self.name} needs the package {package}: "
                    f"pip install caffe_lite[{self.extra}]{rest}"
                )


def format_names() -> list[str]:
    """The names of all formats, sorted."""
    return sorted(m.name for m in iter_modules(to.__path__) if not m.name.startswith("_"))


def find_format(name: str) -> Format:
    """The format of this name; UsageError with the known ones if there is none."""
    known = format_names()
    if name not in known:
        hint = did_you_mean(name, known)
        raise UsageError(f'unknown format "{name}"{hint} (known are {", ".join(known) or "none"})')
    module = import_module(f"{to.__name__}.{name}")
    return Format(
        name,
        module.SUFFIX,
        module.EXTRA,
        module.PACKAGES,
        module.CHECKERS,
        frozenset(module.OPTIONS),
        module.write,
        module.check,
    )
