"""Data that ships with the package and that a net names, but nobody has written yet."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from caffe_lite.errors import CaffeError
from caffe_lite.proto import load

log = logging.getLogger("caffe_lite.caffe")

SHIPPED = ("digits", "moving_digits")


def make_missing(solver: Any, solver_path: str, live: Any) -> None:
    """Write the data sets that the solver's nets look for under data/ and do not find.

    Only `data/digits/...` and `data/moving_digits/...` that do not exist at all are made. Nets that
    cannot be read are left for the solver to complain about.
    """
    from caffe_lite.cli import dataset

    for name in SHIPPED:
        folder = Path("data") / name
        if not folder.exists() and any(Path(source).is_relative_to(folder)
                                       for source in _sources(solver, solver_path)):
            log.info("%s is not there; making it (caffe_lite dataset %s)", folder, name)
            dataset.write(name, str(folder), live)


def _sources(solver: Any, solver_path: str) -> Iterator[str]:
    for net in _nets(solver, solver_path):
        for layer in net.layer:
            for field in ("data_param", "hdf5_data_param", "image_data_param",
                          "window_data_param"):
                if layer.HasField(field):
                    yield getattr(layer, field).source


def _nets(solver: Any, solver_path: str) -> Iterator[Any]:
    yield from (solver.net_param, solver.train_net_param, *solver.test_net_param)
    for name in (solver.net, solver.train_net, *solver.test_net):
        for path in (Path(name), Path(solver_path).parent / name):
            if name and path.is_file():
                try:
                    yield load.load_net(path, unknown="warn")
                except CaffeError:
                    pass
                break
