"""What the faults are tried on: each prepares a folder, then does one thing in it."""

import hashlib
import os
import stat
from pathlib import Path

import lmdb
import numpy as np

from caffe_lite.backend import get_ops
from caffe_lite.backend.cache import DRAFT
from caffe_lite.proto import schema, text
from caffe_lite.solvers import get_solver

NET = """
layer { name: "data" type: "DummyData" top: "data" top: "label" dummy_data_param {
        shape { dim: 4 dim: 30 } shape { dim: 4 } data_filler { type: "gaussian" }
        data_filler { type: "constant" value: 1 } } }
layer { name: "ip1" type: "InnerProduct" bottom: "data" top: "ip1"
        inner_product_param { num_output: 50 weight_filler { type: "xavier" } } }
layer { name: "drop" type: "Dropout" bottom: "ip1" top: "ip1" }
layer { name: "ip2" type: "InnerProduct" bottom: "ip1" top: "ip2"
        inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip2" bottom: "label" top: "loss" }
"""
SOLVER = """
base_lr: 0.1 lr_policy: "fixed" momentum: 0.9 max_iter: 100 random_seed: {seed}
snapshot_prefix: "{folder}/run" snapshot_format: {form} net_param {{ {net} }}
"""


class Scenario:
    """One operation in a folder. After a fault, each file is as before or as without the fault."""

    unsynced = None  # a folder whose files may be empty after a crash of the machine

    def prepare(self, folder):
        """Make the files that were there before."""

    def run(self, folder):
        """Do it. Raises what goes wrong."""
        raise NotImplementedError

    def check(self, folder):
        """After a crash or fault, and with all faults gone: does what is left still work?"""


class Training(Scenario):
    """Snapshot files of a small solver; those of iteration 2 were written before."""

    def __init__(self, form="BINARYPROTO"):
        self.form = form
        self.end = ".h5" if form == "HDF5" else ""

    def solver(self, folder, seed=1):
        settings = SOLVER.format(folder=folder, form=self.form, net=NET, seed=seed)
        return get_solver(text.parse(settings, schema.SolverParameter), get_ops())

    def state(self, folder, iteration):
        return folder / f"run_iter_{iteration}.solverstate{self.end}"

    def prepare(self, folder):
        for seed, iterations in ((2, 4), (1, 2)):
            with self.solver(folder, seed) as solver:
                solver.step(iterations)
                solver.snapshot()

    def check(self, folder):
        """The older snapshot can be resumed."""
        with self.solver(folder, seed=3) as solver:
            solver.restore(self.state(folder, 2))
            assert solver.iter == 2


class Snapshot(Training):
    """Two more iterations and a snapshot over older files of the same names."""

    def run(self, folder):
        with self.solver(folder) as solver:
            solver.step(4)
            solver.snapshot()


class FirstSnapshot(Snapshot):
    """The same without older files of those names."""

    def prepare(self, folder):
        super().prepare(folder)
        for path in folder.glob("run_iter_4.*"):
            path.unlink()

    def check(self, folder):
        super().check(folder)
        if self.state(folder, 4).exists():
            with self.solver(folder, seed=3) as solver:
                solver.restore(self.state(folder, 4))
                assert solver.iter == 4


class Resume(Training):
    """A solver that reads a snapshot, or is left as it was."""

    def run(self, folder):
        with self.solver(folder, seed=5) as solver:
            solver.step(1)
            before = parameters(solver)
            try:
                solver.restore(self.state(folder, 2))
            except BaseException:
                if solver.iter != 1 or parameters(solver) != before:
                    raise AssertionError("a restore that failed changed the solver") from None
                raise
            assert solver.iter == 2


def parameters(solver):
    arrays = [blob.data for blob in (*solver.net.learnable_params, *solver.history)]
    return [array.tobytes() for array in arrays]


class Conversion(Scenario):
    """The digits, two of each split, as LMDB, HDF5, PNG files and lists."""

    unsynced = "digits/images"  # see proto.atomic.atomic_folder

    def run(self, folder):
        from caffe_lite.datasets import export

        load = export.load_digits
        export.load_digits = lambda split: tuple(part[:2] for part in load(split))
        try:
            export.write_digits(folder / "digits")
        finally:
            export.load_digits = load

    def check(self, folder):
        self.run(folder)


class CacheBuild(Scenario):
    """The C library compiled into the cache, by a compiler that takes no time."""

    def prepare(self, folder):
        from tests.backend.native_cache import fake_compiler

        self.compiler = fake_compiler(folder.parent / "bin")

    def run(self, folder):
        from caffe_lite.backend import native
        from caffe_lite.backend.native import build, packaged
        from caffe_lite.errors import BackendError

        os.environ["CAFFE_LITE_CACHE"] = str(folder / "cache")
        os.environ.pop("CAFFE_LITE_NATIVE", None)
        build.COMPILERS = (str(self.compiler),)
        packaged.PATH = folder / "none.so"
        native._load.cache_clear()
        if native.load("float32") is None:
            raise BackendError(native.unavailable_reason("float32"))

    def check(self, folder):
        self.run(folder)
        assert not list(folder.rglob(f"{DRAFT}*")), "the next run removes what is left"


class Careless(Scenario):
    """What the harness must find: files written in place, not synced, or left."""

    def prepare(self, folder):
        (folder / "in place").write_text("old")

    def run(self, folder):
        (folder / "in place").write_text("new")
        draft = folder / "draft"
        draft.write_text("new")
        with open(draft, "rb") as file:
            file.read()
        draft.rename(folder / "moved")


SCENARIOS = {
    "careless": Careless(),
    "snapshot": Snapshot(),
    "snapshot HDF5": Snapshot("HDF5"),
    "first snapshot": FirstSnapshot(),
    "first snapshot HDF5": FirstSnapshot("HDF5"),
    "resume": Resume(),
    "resume HDF5": Resume("HDF5"),
    "conversion": Conversion(),
    "cache build": CacheBuild(),
}


def describe(folder):
    """The files below a folder by name: a digest of what each one holds."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if stat.S_ISREG(path.stat().st_mode) and path.name != "lock.mdb":
            found[str(path.relative_to(folder))] = hashlib.sha256(_content(path)).hexdigest()
    return found


def _content(path):
    if path.name.startswith(".") or path.parent.name.startswith("."):
        return path.read_bytes()  # a temporary file
    if path.name == "data.mdb":
        with lmdb.open(str(path.parent), readonly=True, lock=False) as database:
            with database.begin() as transaction:
                return repr(list(transaction.cursor())).encode()
    if path.suffix == ".h5":
        return _hdf5_content(path)
    return path.read_bytes()


def _hdf5_content(path):
    """Names and values: HDF5 files may hold the time of their writing."""
    import h5py

    found = []
    with h5py.File(path, "r") as file:
        size = file.userblock_size
        file.visititems(
            lambda name, item: (
                found.append((name, np.asarray(item).tobytes()))
                if isinstance(item, h5py.Dataset)
                else None
            )
        )
    return repr(found).encode() + Path(path).read_bytes()[:size]
