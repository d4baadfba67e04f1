"""Write the shipped data that a solver's nets name and that is missing."""

import logging
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from caffe_lite.errors import CaffeError
from caffe_lite.proto import load
from caffe_lite.proto.files import read_bytes
from caffe_lite.solvers.nets import beside

log = logging.getLogger("caffe_lite.caffe")

SHIPPED = ("digits", "moving_digits", "ordered_digits", "ssd_digits")


def make_missing(solver: Any, solver_path: str, live: Any) -> None:
    """Write the shipped data that the solver's nets name under data/, as far as it is missing.

    Nets that cannot be read are skipped: building the solver will report them.
    """
    from caffe_lite.cli import dataset

    missing = [
        Path(source)
        for source in _sources(solver, solver_path)
        if source and not Path(source).exists()
    ]
    for name in SHIPPED:
        folder = Path("data") / name
        forms = {_form(source) for source in missing if source.is_relative_to(folder)}
        if forms:
            log.info(
                "%s lacks data that the net reads; writing it (caffe_lite prepare %s)", folder, name
            )
            dataset.write(name, str(folder), live, tuple(sorted(forms)))


def _form(source: Path) -> str:
    """The form of the moving digits, as --forms names it, that a file belongs to."""
    for form in ("captions", "flow", "lmdb", "frames", "videos"):
        if form in str(source):
            return form.replace("videos", "frames")
    return "hdf5"


def _sources(solver: Any, solver_path: str) -> Iterator[str]:
    for net in _nets(solver, solver_path):
        for layer in net.layer:
            for field in ("data_param", "hdf5_data_param", "image_data_param", "window_data_param"):
                if layer.HasField(field):
                    yield getattr(layer, field).source


def _nets(solver: Any, solver_path: str) -> Iterator[Any]:
    """The nets that name files under data/. Others are not parsed here: it would warn twice."""
    yield from (solver.net_param, solver.train_net_param, *solver.test_net_param)
    for name in filter(None, (solver.net, solver.train_net, *solver.test_net)):
        file = beside(name, solver_path)
        with suppress(CaffeError):
            if b"data/" in read_bytes(file):
                yield load.load_net(file, unknown="warn")
