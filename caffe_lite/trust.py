"""Whether the definitions that are being read may run code and write files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

TYPE_CHECKING = False  # typing takes long to import, and everything imports this

if TYPE_CHECKING:
    from typing import Any

VARIABLE = "CAFFE_LITE_SAFE"

_decided: ContextVar[bool | None] = ContextVar("trust", default=None)


def is_trusted() -> bool:
    """What the innermost `trusting` block says, else whether CAFFE_LITE_SAFE is unset or 0."""
    decided = _decided.get()
    return os.environ.get(VARIABLE, "") in ("", "0") if decided is None else decided


@contextmanager
def trusting(trust: bool | None) -> Iterator[None]:
    """Trust definitions in this block or not; None changes nothing."""
    if trust is None:
        yield
        return
    token = _decided.set(trust)
    try:
        yield
    finally:
        _decided.reset(token)


def working_folder_of(point: Any) -> str:
    """The working folder, if an entry point's package or module lies directly in it, else "".

    Python then found it through the folder that it happens to run in, not among the installed
    packages.
    """
    from importlib.util import find_spec
    from pathlib import Path

    here = Path.cwd().resolve()
    roots = [] if point.dist is None else [Path(point.dist.locate_file("")).resolve()]
    try:
        spec = find_spec(point.module.partition(".")[0])
    except ValueError:  # of a module that was loaded without a spec
        spec = None
    if spec is not None and spec.submodule_search_locations:
        roots += [Path(path).resolve().parent for path in spec.submodule_search_locations]
    elif spec is not None and spec.origin:
        roots.append(Path(spec.origin).resolve().parent)
    return str(here) if here in roots else ""


def plugin_danger(point: Any) -> str:
    """Why an entry point is not loaded for definitions that are not trusted, or ""."""
    folder = working_folder_of(point)
    return folder and f"runs code of the plugin {point.value}, found in the working folder {folder}"
