"""What every layer type must keep to, over the whole registry (cases: tests/layer_cases.py)."""

import inspect
import re
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from caffe_lite.backend import Ops, get_ops
from caffe_lite.backend.cpu.ops import NumpyOps
from caffe_lite.errors import CaffeError
from caffe_lite.layers.registry import layer_class, layer_types, meanings_of
from caffe_lite.nets.backward_plan import takes_gradient
from caffe_lite.testing import check_layer, make_layer
from tests.layer_cases import ALIASES, CASES, NAMES
from tests.layer_sources import make_sources

HERE = Path(__file__).parent
PAIRS = list(zip(CASES, NAMES, strict=True))
BUILT = []
for _name in layer_types():
    layer_class(_name)
CLASSES = sorted(
    {meaning.cls for name in layer_types() for meaning in meanings_of(name)},
    key=lambda cls: (cls.__module__, cls.__name__),
)


def some(condition):
    """A parametrization over the cases that meet a condition."""
    chosen = [(case, name) for case, name in PAIRS if condition(case)]
    return pytest.mark.parametrize(
        "case", [case for case, _ in chosen], ids=[name for _, name in chosen]
    )


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sources")
    make_sources(folder)
    return folder


@pytest.fixture(autouse=True)
def in_sources(sources, monkeypatch):
    monkeypatch.chdir(sources)
    monkeypatch.syspath_prepend(str(sources))


@pytest.fixture(autouse=True)
def closing(monkeypatch):
    """Close the layers that a test built: they hold files and threads."""
    built = []
    monkeypatch.setitem(globals(), "BUILT", built)
    yield
    for run in built:
        run.layer.close()


def build(case, bottoms=None, ops=None, in_place=False):
    run = make_layer(
        case.prototxt,
        case.bottoms if bottoms is None else bottoms,
        phase=case.phase,
        tops=case.tops,
        seed=3,
        ops=ops,
        in_place=in_place,
    )
    BUILT.append(run)
    if case.type == "MemoryData":
        rng = np.random.default_rng(5)
        run.layer.set_arrays(rng.normal(size=(4, 3, 8, 9)), np.arange(4.0))
    return run


def flags_of(case, run):
    return list(case.flags or takes_gradient(run.layer, len(run.bottom)))


def top_diffs(run, seed=9):
    """Random diffs for tops, the loss weight for losses."""
    rng = np.random.default_rng(seed)
    return [
        np.full(blob.shape, weight) if weight else rng.normal(size=blob.shape)
        for blob, weight in zip(run.top, run.layer.loss_weight, strict=True)
    ]


def outcome(case, run):
    """All that one forward and backward pass make, as a flat list of arrays."""
    made = run.forward()
    if case.gradient and any(flags_of(case, run)):
        bottom, params = run.backward(top_diffs(run), flags_of(case, run))
        chosen = [d for d, flag in zip(bottom, flags_of(case, run), strict=True) if flag]
        made += chosen + params
    return made


def learns(case):
    return case.gradient and re.search("filler|Multiply|parameter_param|PReLU", case.prototxt)


def test_every_type_has_a_case():
    missing = set(layer_types()) - {case.type for case in CASES} - ALIASES
    assert not missing, (
        f"no case for {sorted(missing)}: add one to tests/layer_cases.py, or for a layer beyond "
        "Caffe's own to a list CASES in its test file"
    )
    assert {case.type for case in CASES} <= set(layer_types()), "cases of unknown types"


def test_every_type_has_a_test_file():
    files = [*(HERE / "layers").glob("test_*.py"), *(HERE / "forks").rglob("test_*.py")]
    written = "\n".join(path.read_text() for path in files)
    missing = [
        name
        for name in layer_types()
        if name not in ALIASES and not re.search(rf"\b{name}\b", written)
    ]
    assert not missing, f"no test file names {missing}"


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_docs_have_all_sections(cls):
    doc = inspect.getdoc(cls)
    assert doc, "a class docstring"
    first = doc.splitlines()[0]
    assert first.endswith((".", ":")), "one sentence first"
    if cls.__module__.startswith("caffe_lite.layers."):
        assert re.search(r"^Caffe: (src|include)/caffe/\S+", doc, re.MULTILINE), "Caffe's source"
    else:
        assert re.search(r"^Source: \S+", doc, re.MULTILINE), "the repository that has it"
    assert re.search(rf'^Example::\n\n    layer {{.*type: "{cls.type}"', doc, re.MULTILINE)
    for kind, count in (("bottom", cls.bottoms), ("top", cls.tops)):
        if count[1] != 0:
            assert re.search(rf"^{kind}\[", doc, re.MULTILINE), f"a table of {kind}s"


@some(lambda case: case.gradient)
def test_gradients(case):
    check_layer(
        case.prototxt,
        case.bottoms,
        phase=case.phase,
        tops=case.tops,
        propagate_down=case.flags,
        tolerance=case.tolerance,
        seed=3,
    )


@some(learns)
def test_parameter_diffs_add_up(case):
    run = build(case)
    state = run.layer.get_state()
    run.forward()
    _, once = run.backward(top_diffs(run), flags_of(case, run))
    run.layer.set_state(state)
    run.forward()
    _, twice = run.backward(top_diffs(run), flags_of(case, run))
    for first, second in zip(once, twice, strict=True):
        np.testing.assert_allclose(second, 2 * first, rtol=1e-12, atol=1e-12)


@some(learns)
def test_parameters_that_need_no_gradient_get_none(case):
    run = build(case)
    run.layer.param_propagate_down = [False] * len(run.layer.blobs)
    run.forward()
    for blob in run.layer.blobs:
        blob.diff[...] = 7.25
    _, params = run.backward(top_diffs(run), flags_of(case, run))
    if case.type not in ("Python", "Parameter"):  # their own business; has no arithmetic
        assert all((diff == 7.25).all() for diff in params)


@some(lambda case: case.gradient and case.bottoms)
def test_bottom_diffs_are_overwritten(case):
    results = []
    for mark in (7.25, np.nan):
        run = build(case)
        run.forward()
        for blob in run.bottom:
            blob.diff[...] = mark
        results.append(run.backward(top_diffs(run), flags_of(case, run))[0])
    for flag, *diffs in zip(flags_of(case, run), *results, strict=True):
        if flag:
            np.testing.assert_array_equal(*diffs)
            assert np.isfinite(diffs[0]).all()


@some(lambda case: case.gradient and case.bottoms)
def test_propagate_down_false_leaves_a_diff_alone(case):
    count = len(case.bottoms)
    together = build(case)
    together.forward()
    wanted = flags_of(case, together)
    all_diffs = together.backward(top_diffs(together), wanted)[0]
    for kept in range(count):
        run = build(case)
        run.forward()
        shared = {blob.buffer_ids[1] for blob in run.top}
        for blob in run.bottom:
            blob.diff[...] = 7.25
        flags = [flag and i == kept for i, flag in enumerate(wanted)]
        diffs = run.backward(top_diffs(run), flags)[0]
        for i, (flag, diff) in enumerate(zip(flags, diffs, strict=True)):
            if flag:
                np.testing.assert_array_equal(diff, all_diffs[i])
            elif run.bottom[i].buffer_ids[1] not in shared:
                assert (diff == 7.25).all()


@some(lambda case: case.bottoms and case.type != "HDF5Output")  # two would write one file
def test_another_batch_size(case):
    """A layer that has seen another batch gives what a fresh one gives, both ways round."""
    run = build(case)
    start = run.layer.get_state()
    outcome(case, run)
    for bottoms in (case.smaller(), case.bottoms):
        for blob, values in zip(run.bottom, bottoms, strict=True):
            blob.reshape(*np.shape(values))
            blob.data[...] = values
        for blob in run.layer.blobs:
            blob.diff[...] = 0
        run.layer.set_state(start)
        run.reshape()
        for mine, fresh in zip(
            outcome(case, run), outcome(case, build(case, bottoms)), strict=True
        ):
            assert mine.shape == fresh.shape
            np.testing.assert_allclose(mine, fresh, rtol=1e-12, atol=1e-12)


@some(lambda case: layer_class(case.type).in_place and case.in_place and case.bottoms)
def test_in_place_equals_out_of_place(case):
    apart, within = (outcome(case, build(case, in_place=here)) for here in (False, True))
    assert len(apart) == len(within)
    for first, second in zip(apart, within, strict=True):
        np.testing.assert_allclose(second, first, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30])
@some(lambda case: case.bottoms and case.type not in ("Embed", "HDF5Output"))
def test_numbers_out_of_range_pass_without_a_word(case, value):
    bottoms = [np.array(x) for x in case.bottoms]
    bottoms[0].reshape(-1)[[0, 3]] = value
    run = build(case, bottoms, ops=get_ops())
    run.forward()
    if case.gradient:
        run.backward(propagate_down=flags_of(case, run))


def refused(case, bottoms):
    """What the layer says against these bottoms, or None; anything but one line is a failure."""
    try:
        run = build(case, bottoms)
        run.forward()
        if case.gradient:
            run.backward(propagate_down=flags_of(case, run))
    except CaffeError as error:
        assert re.fullmatch(rf'layer "mine" \({case.type}\): [^\n]+', str(error)), str(error)
        return str(error)
    return None


@some(lambda case: case.bottoms)
def test_empty_bottoms_are_refused(case):
    first, *others = case.bottoms
    for axis in range(np.ndim(first)):
        empty = np.take(first, [], axis=axis)
        message = refused(case, [empty, *others])
        if not case.takes_empty:
            assert message, f"accepts shape {empty.shape}; call self.require_elements in reshape"
            assert str(empty.shape) in message, message


@some(lambda case: case.bottoms)
def test_any_number_of_axes_ends_well_or_in_one_line(case):
    for axes in (0, 1, 2, 3, 5):
        refused(case, [np.ones((2, 3, 4, 5, 6)[:axes]), *case.bottoms[1:]])


# Losses make arrays of the size of their labels, which with 3 classes are large.
@some(
    lambda case: (
        case.bottoms
        and not case.allocates
        and not (layer_class(case.type).is_loss or case.type == "Accuracy")
    )
)
def test_a_steady_iteration_allocates_nothing_large(case):
    ops = get_ops()
    if type(ops) is NumpyOps:
        pytest.skip("without the native code some operations need NumPy's temporaries")
    run = build(case, case.enlarged(), ops=ops)
    diffs, flags = top_diffs(run), flags_of(case, run)
    for blob, diff in zip(run.top, diffs, strict=True):
        blob.diff[...] = diff

    def iterate():
        if run.layer.reshape_every_forward:
            run.layer.reshape(run.bottom, run.top)
        run.layer.forward(run.bottom, run.top)
        if case.gradient:
            run.layer.backward(run.top, flags, run.bottom)

    iterate()
    iterate()
    tracemalloc.start()
    try:
        iterate()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    largest = max(blob.data.nbytes for blob in run.bottom)
    assert peak < 0.4 * largest + 100_000, (
        f"a steady iteration of {case.type} allocates {peak} bytes, with a largest bottom of "
        f"{largest}: take workspaces in reshape and write results with out=; where arrays are in "
        "the layer's nature, say why in its case: allocates='...'"
    )


def all_ops(dtype):
    """The reference operations, and the CPU's."""
    return Ops(dtype=dtype), get_ops(dtype=dtype)


def compare(case, reference, other, dtype):
    tolerance = {"float32": 2e-5, "float64": 1e-11}[dtype]
    results = []
    for ops in (reference, other):
        run = build(case, ops=ops)
        results.append(outcome(case, run))
        run.layer.close()
    for wanted, got in zip(*results, strict=True):
        assert got.dtype == wanted.dtype == np.dtype(dtype)
        scale = max(np.abs(wanted).max(initial=0), 1e-3)
        np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=tolerance * scale)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@some(lambda case: True)
def test_cpu_equals_the_reference(case, dtype):
    compare(case, *all_ops(dtype), dtype)


@some(lambda case: not case.random)  # each element type draws its own numbers
def test_float32_is_close_to_float64(case):
    single, double = [], []
    for made, dtype in ((single, "float32"), (double, "float64")):
        run = build(case, ops=get_ops(dtype=dtype))
        made += outcome(case, run)
        run.layer.close()
    for got, wanted in zip(single, double, strict=True):
        scale = max(np.abs(wanted).max(initial=0), 1e-3)
        np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-4 * scale)
