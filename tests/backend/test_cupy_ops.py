"""CupyOps on the stand-in, apart from results: plans, faults, errors, settings."""

import json
import sys

import numpy
import pytest

from caffe_lite.backend import ConvGeometry, Ops, UpdateSlot, get_ops
from caffe_lite.backend.gpu import arrays, cuda
from caffe_lite.backend.gpu.convolution import candidates
from caffe_lite.backend.gpu.explicit_gemm import BATCHED, WIDE, Plan, Sizes
from caffe_lite.backend.gpu.ops import CupyOps
from caffe_lite.errors import BackendError, DataError
from tests.backend.op_cases import CASES, CONVOLUTIONS, compare
from tests.backend.standin.blas_library import BlasLibrary
from tests.backend.standin.cupy_module import Device, OutOfMemoryError, installed, make_module
from tests.backend.standin.device_array import DeviceArray
from tests.backend.update_rules import update_rule


@pytest.fixture
def ops():
    with installed():
        yield get_ops(0, "float64")


# Convolution plans


@pytest.mark.parametrize("images", [1, 2, 100])
@pytest.mark.parametrize("layout", [BATCHED, WIDE])
@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_every_plan_gives_the_same(ops, name, layout, images):
    ops.tuner.choose = lambda key, candidates, run: Plan(layout, images)
    case = CASES[f"convolution, {name}"]
    wanted = case(Ops(dtype="float64"), numpy.random.default_rng(5))
    compare(case(ops, numpy.random.default_rng(5)), wanted, 1e-12)


def test_plans_keep_to_the_workspace():
    geometry = ConvGeometry((5, 5), (1, 1), (2, 2), (1, 1), 2)
    z = Sizes(geometry, (27, 27), (27, 27), 96, 256)
    per_image = 4 * 729 * (96 * 25 + 256)
    plans = candidates("forward", z, 256, 4, (8 * per_image, 100 * per_image))
    assert plans == [Plan(BATCHED, 86), Plan(BATCHED, 8), Plan(WIDE, 88), Plan(WIDE, 8)]
    assert candidates("forward", z, 1, 4, (1, 1)) == [Plan(BATCHED, 1), Plan(WIDE, 1)]
    weights = candidates("weight", z, 256, 4, (8 * per_image, 100 * per_image))
    assert weights[0].layout == WIDE
    assert all(plan.images <= 100 for plan in weights)


def test_the_fastest_plan_is_measured_once(ops):
    seen = []
    ops.tuner._measure = lambda key, candidates, run: seen.append(key) or candidates[1]
    case = CASES["convolution, groups"]
    for _ in range(2):
        case(ops, numpy.random.default_rng(1))
    assert [key[0] for key in seen] == ["forward", "data", "weight"]


# Faults found on the device


@pytest.mark.parametrize(
    ("labels", "ignore", "value"),
    [([0, 3, 4], None, "4"), ([1, -1], None, "-1"), ([0, 7], 255, "7"), ([numpy.nan], None, "nan")],
)
def test_a_bad_label_is_raised_when_the_host_looks(ops, labels, ignore, value):
    label = ops.asarray(numpy.array([labels], float))
    assert ops.label_fault(label, 4, ignore) is None
    with pytest.raises(DataError, match=rf"integers from 0 to 3, got {value};"):
        ops.to_host(label)
    ops.synchronize()


def test_good_labels_pass(ops):
    label = ops.asarray(numpy.array([[0.0, 3.7, 255.0, -0.5]]))
    ops.label_fault(label, 4, 255)
    ops.synchronize()


def test_an_id_outside_the_table_is_raised_and_reads_nothing(ops):
    weight, out = ops.asarray(numpy.ones((3, 2))), ops.zeros((3, 2))
    ids = ops.asarray([0, 3, -1], "int32")
    ops.take(weight, ids, out)
    ops.scatter_add(weight, ids, out)
    with pytest.raises(DataError, match=r"ids must be from 0 to 2.*, got (3|-1);"):
        ops.synchronize()
    assert ops.to_host(out).tolist() == [[1, 1], [0, 0], [0, 0]]


def test_rows_of_one_id_are_added_in_their_order():
    """Bit for bit as on the CPU; beyond MOST_ORDERED ids, results agree to rounding."""
    rng = numpy.random.default_rng(0)
    ids = rng.integers(0, 3, 700).astype("int32")
    values = (rng.standard_normal((700, 4)) * 10.0 ** rng.integers(-4, 4, (700, 4))).astype("f4")
    wanted = numpy.ones((3, 4), "float32")
    numpy.add.at(wanted, ids, values)
    with installed():
        ops = get_ops(0, "float32")
        device_ids, rows = ops.asarray(ids, "int32"), ops.asarray(values)
        target = ops.asarray(numpy.ones((3, 4), "float32"))
        ops.scatter_add(target, device_ids, rows)
        numpy.testing.assert_array_equal(ops.to_host(target), wanted)


def test_more_ids_than_are_put_in_order(ops, monkeypatch):
    monkeypatch.setattr(arrays, "MOST_ORDERED", 3)
    case = CASES["take and scatter_add"]
    wanted = case(Ops(dtype="float64"), numpy.random.default_rng(2))
    compare(case(ops, numpy.random.default_rng(2)), wanted, 1e-12)


def test_each_loss_has_its_own_number_of_classes(ops):
    label = ops.asarray(numpy.array([[5.0]]))
    ops.label_fault(label, 9, None)
    ops.label_fault(label, 3, None)
    with pytest.raises(DataError, match="from 0 to 2"):
        ops.synchronize()


def test_a_fault_names_the_layer_that_looked(ops):
    bad, good = ops.asarray(numpy.array([[5.0]])), ops.asarray(numpy.array([[2.0]]))
    ops.label_fault(good, 3, None, 'layer "main" (SoftmaxWithLoss): labels must be from 0 to 2')
    ops.label_fault(bad, 3, None, 'layer "aux" (SoftmaxWithLoss): labels must be from 0 to 2')
    message = r'^layer "aux" \(SoftmaxWithLoss\): labels must be from 0 to 2, got 5;'
    with pytest.raises(DataError, match=message):
        ops.synchronize()


# Errors and settings


def test_without_cupy(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    cuda.import_cupy.cache_clear()
    cuda.open_device.cache_clear()
    with pytest.raises(BackendError, match=r"caffe_lite\[gpu13\].*caffe_lite\[gpu12\]"):
        get_ops(0)


def test_without_a_device(monkeypatch):
    monkeypatch.setattr(Device, "count", 0)
    with installed(), pytest.raises(BackendError, match="driver reports: cudaErrorNoDevice"):
        get_ops(0)


@pytest.mark.parametrize("number", [2, -1])
def test_a_device_that_is_not_there(monkeypatch, number):
    monkeypatch.setattr(Device, "count", 2)
    with installed(), pytest.raises(BackendError, match=rf"no GPU {number}: .* GPUs 0 \.\.\. 1"):
        get_ops(number)


def test_out_of_memory_is_a_backend_error():
    module = make_module()

    def refuse(shape, dtype):
        raise OutOfMemoryError("Out of memory allocating 4,000 bytes (allocated so far: 0 bytes).")

    with installed(module):
        ops = get_ops(0)
        module.empty = module.zeros = refuse
        for make in (ops.empty, ops.zeros):
            with pytest.raises(cuda.OutOfDeviceMemoryError, match=r"gpu:0.*\(10, 100\).*4,000"):
                make((10, 100))
    assert issubclass(cuda.OutOfDeviceMemoryError, BackendError)


def test_a_device_that_others_have_filled():
    module = make_module()

    def refuse(nbytes):
        raise OutOfMemoryError("Out of memory allocating 33,554,432 bytes")

    with installed(module), pytest.raises(cuda.OutOfDeviceMemoryError, match="gpu:0.*33,554,432"):
        module.cuda.alloc = refuse
        get_ops(0)


class SpyLibrary(BlasLibrary):
    """Records the precision of every product."""

    def __init__(self):
        self.computes = []
        super().__init__()

    def _gemm_batched(self, *args):
        self.computes.append(args[-2])
        return super()._gemm_batched(*args)


@pytest.mark.parametrize(
    ("dtype", "tf32", "convolution", "product"),
    [
        ("float32", None, 77, 68),
        ("float32", "convolution", 77, 68),
        ("float32", "all", 77, 77),
        ("float32", "none", 68, 68),
        ("float64", "all", 70, 70),
    ],
)
def test_tf32(monkeypatch, dtype, tf32, convolution, product):
    monkeypatch.delenv("CUPY_TF32", raising=False)
    spy = SpyLibrary()
    with installed():
        monkeypatch.setattr(cuda, "_cublas_library", lambda cupy: spy)
        ops = CupyOps(0, dtype, tf32)
        ops.gemm(ops.zeros((2, 3)), ops.zeros((3, 4)), ops.zeros((2, 4)))
        assert set(spy.computes) == {product}
        spy.computes.clear()
        CASES["convolution, groups"](ops, numpy.random.default_rng(0))
        assert set(spy.computes) == {convolution}


@pytest.mark.parametrize(("value", "tf32"), [("1", "all"), ("0", "none"), ("", "convolution")])
def test_tf32_by_environment(monkeypatch, value, tf32):
    monkeypatch.setenv("CUPY_TF32", value)
    with installed():
        assert get_ops(0).tf32 == tf32
        assert cuda.device_query(0)["tf32"] == tf32


def test_an_unknown_tf32_setting():
    with installed(), pytest.raises(BackendError, match='convolution, all, none; got "some"'):
        CupyOps(0, "float32", "some")


def test_device_query():
    with installed():
        info = cuda.device_query(0)
    assert info["name"] == "Host stand-in"
    assert info["compute_capability"] == "9.0"
    assert (info["driver_version"], info["runtime_version"]) == ("13.0", "13.2")
    json.dumps(info)


def test_an_update_needs_its_histories(ops):
    slot = UpdateSlot(ops.zeros((3,)), ops.zeros((3,)), [ops.zeros((3,))])
    with pytest.raises(ValueError, match="Adam keeps 2 arrays"):
        ops.update(update_rule("Adam"), [slot], 0.1)


def test_gemm_refuses_what_it_would_get_wrong(ops):
    a, b = ops.zeros((3, 4)), ops.zeros((4, 5))
    with pytest.raises(ValueError, match=r"gemm of \(3, 4\) and \(3, 4\)"):
        ops.gemm(a, a, ops.zeros((3, 4)))
    with pytest.raises(ValueError, match=r"into \(5, 3\)"):
        ops.gemm(a, b, ops.zeros((5, 3)))
    with pytest.raises(TypeError, match="C-contiguous"):
        ops.gemm(a, ops.zeros((5, 4)).T, ops.zeros((3, 5)))


def test_host_arrays_are_kept_out(ops):
    with pytest.raises(TypeError):
        ops.relu(numpy.ones(3), ops.zeros((3,)))
    with pytest.raises(TypeError):
        ops.zeros((3,)) + numpy.ones(3)
    with pytest.raises(TypeError):
        numpy.asarray(ops.zeros((3,)))


def test_copies_cast_safely(ops):
    out, ids = ops.zeros((2, 3)), ops.zeros((2,), "int32")
    ops.copy_to_device(numpy.arange(6, dtype="uint8"), out)
    assert ops.to_host(out).tolist() == [[0, 1, 2], [3, 4, 5]]
    with pytest.raises(TypeError):
        ops.copy_to_device(numpy.array([1.5, 2.5]), ids)
    with pytest.raises(ValueError, match="cannot copy"):
        ops.copy_to_device(numpy.zeros(5), out)


def test_one_device_object_for_all(ops):
    assert get_ops(0, "float64").device is ops.device
    assert get_ops(0, "float32").launch is not ops.launch


def test_a_stream_continues_on_the_other_device(ops):
    here, there = Ops(dtype="float64").stream(4), ops.stream(4)
    first = ops.empty((9,))
    there.uniform(first)
    here.state = json.loads(json.dumps(there.state))
    host, device = numpy.empty(9), ops.empty((9,))
    here.uniform(host)
    there.uniform(device)
    assert numpy.array_equal(host, ops.to_host(device))


def test_tables_are_kept_and_bounded(ops):
    arrays = [ops.zeros((n + 1,)) for n in range(70)]
    first = ops.tables.of([(arrays[0],)])
    assert ops.tables.of([(arrays[0],)]) is first
    for array in arrays[1:]:
        ops.tables.of([(array,)])
    assert len(ops.tables.kept()) == 64
    assert ops.tables.of([(arrays[0],)]) is not first


def test_the_standin_is_honest():
    """The stand-in refuses what CuPy refuses; otherwise the tests would prove nothing."""
    with installed() as cupy:
        a = cupy.zeros(3)
        for wrong in (
            lambda: cupy.exp(a, where=True),
            lambda: cupy.errstate,
            lambda: numpy.exp(a),
            lambda: a.sum(initial=3),
            lambda: cupy.maximum(a, numpy.ones(3)),
            lambda: a.__setitem__(slice(None), numpy.ones(3)),
        ):
            with pytest.raises((TypeError, AttributeError)):
                wrong()
        assert not isinstance(DeviceArray.empty(2)._a, DeviceArray)
        assert numpy.float32(2) * a is not NotImplemented
