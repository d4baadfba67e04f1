"""Programs in C against programs of the reference implementation, for every kind of step."""

from itertools import pairwise

import numpy as np
import pytest

from caffe_lite.backend.geometry import ConvGeometry
from caffe_lite.backend.native.blocked import KINDS, STEP
from caffe_lite.backend.native.program import NativeProgram
from caffe_lite.backend.operations import (
    Activation,
    Add,
    Affine,
    Convolve,
    Cut,
    Join,
    Normalize,
    Pool,
    Step,
    Value,
)
from caffe_lite.backend.reference.ops import Ops
from tests.backend.cpu import make_ops


class Memory:
    """A holder of one array."""

    def __init__(self, array):
        self.data = array


class Builder:
    """Collects steps over values, of which the first is held."""

    def __init__(self, shape, dtype, seed=0):
        self.rng = np.random.default_rng(seed)
        self.dtype = dtype
        self.shapes, self.steps = [shape], []

    def draw(self, *shape):
        return self.rng.normal(size=shape).astype(self.dtype)

    def add(self, operation, inputs, *shapes):
        first = len(self.shapes)
        self.shapes += shapes
        outputs = tuple(range(first, len(self.shapes)))
        self.steps.append(Step(operation, tuple(inputs), outputs))
        return outputs if len(outputs) > 1 else first

    def conv(self, x, outputs, kernel=(1, 1), stride=(1, 1), pad=(0, 0), dilation=(1, 1), group=1,
             activation=None, bias=True, plus=None):  # fmt: skip
        geometry = ConvGeometry(kernel, stride, pad, dilation, group)
        shape = self.shapes[x]
        made = (shape[0], outputs, *geometry.output(shape[2:]))
        weight = self.draw(outputs, shape[1] // group, *kernel)
        offset = self.draw(outputs) if bias else None
        operation = Convolve(weight, offset, geometry, shape, made, activation)
        return self.add(operation, (x,) if plus is None else (x, plus), made)

    def compare(self, outputs):
        """Check that both programs' values at the positions `outputs` agree; the native program."""
        values = [Value(shape, i) for i, shape in enumerate(self.shapes)]
        x = self.draw(*self.shapes[0])
        found, programs = [], []
        for ops in (make_ops("native", self.dtype), Ops(dtype=self.dtype)):
            held = {v: Memory(np.zeros(self.shapes[v], self.dtype)) for v in (0, *outputs)}
            programs.append(program := ops.program(values, self.steps, held))
            for _ in range(2):
                held[0].data[...] = x
                program.run()
            found.append([held[v].data for v in outputs])
        assert type(programs[0]) is NativeProgram
        tolerance = 2e-5 if self.dtype == "float32" else 1e-13
        for got, wanted in zip(*found, strict=True):
            assert np.abs(wanted).max() > 0
            np.testing.assert_allclose(got, wanted, rtol=0, atol=tolerance * np.abs(wanted).max())
        return programs[0]


DTYPES = pytest.mark.parametrize("dtype", ["float32", "float64"])
ACTIVATIONS = {
    "none": None,
    "relu": Activation("leaky"),
    "leaky": Activation("leaky", 0.3),
    "clip": Activation("clip", low=-0.5, high=1.25),
    "elu": Activation("elu", 0.8),
    "prelu": Activation("prelu", slopes=np.linspace(-1, 1, 21).astype("float32")),
    "shared": Activation("prelu", slopes=np.array([0.25], "float32")),
}


def kinds_of(program):
    return [
        KINDS[item.numbers["kind"]] for item in program._lowered.items if hasattr(item, "numbers")
    ]


def native(builder, outputs=()):
    values = [Value(shape, i) for i, shape in enumerate(builder.shapes)]
    held = {v: Memory(np.zeros(builder.shapes[v], builder.dtype)) for v in (0, *outputs)}
    return NativeProgram(make_ops("native", builder.dtype), values, builder.steps, held)


def test_a_step_has_the_size_that_c_expects():
    assert make_ops("native", "float32").library.with_gil.chain_step_size() == STEP.itemsize


@DTYPES
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("batch", [1, 3])
def test_activations_and_sums_in_the_write(dtype, activation, batch):
    b = Builder((batch, 19, 5, 6), dtype)
    first = b.conv(0, 21, activation=ACTIVATIONS[activation])
    second = b.conv(first, 21, (3, 3), pad=(1, 1), activation=ACTIVATIONS[activation], plus=first)
    b.compare([first, second])
    b.compare([second])


@DTYPES
@pytest.mark.parametrize("size", [(1, 1), (3, 2), (7, 7), (5, 13), (8, 17), (2, 29), (14, 31)])
@pytest.mark.parametrize("kernel", [(1, 1), (3, 3), (1, 5), (2, 3)])
def test_sizes_of_images(dtype, size, kernel):
    b = Builder((2, 17, *size), dtype)
    pad = tuple(k // 2 for k in kernel)
    y = b.conv(0, 50, kernel, pad=pad, activation=Activation("leaky"))
    b.compare([b.conv(y, 33, kernel, pad=pad, bias=False)])


@DTYPES
@pytest.mark.parametrize(
    "options",
    [
        {"stride": (2, 2)},
        {"stride": (1, 2), "pad": (0, 1)},
        {"stride": (3, 1)},
        {"stride": (3, 3)},
        {"dilation": (2, 3), "pad": (2, 3)},
        {"stride": (2, 2), "dilation": (2, 1), "pad": (3, 0)},
    ],
)
@pytest.mark.parametrize("channels", [3, 20])
def test_strides_and_dilations(dtype, options, channels):
    b = Builder((2, channels, 13, 12), dtype)
    y = b.conv(0, 18, (3, 2), **options)
    b.compare([b.conv(y, 24, (1, 2), **options)])


@DTYPES
@pytest.mark.parametrize(
    ("channels", "outputs", "group"), [(64, 96, 2), (48, 48, 12), (12, 18, 3), (32, 16, 16)]
)
def test_groups(dtype, channels, outputs, group):
    b = Builder((2, channels, 6, 5), dtype)
    y = b.conv(0, outputs, (3, 3), pad=(1, 1), group=group, activation=Activation("leaky"))
    b.compare([y])


@DTYPES
@pytest.mark.parametrize("kernel", [(3, 3), (5, 5), (3, 1)])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_depthwise(dtype, kernel, stride):
    b = Builder((2, 37, 11, 18), dtype)
    pad = tuple(k // 2 for k in kernel)
    y = b.conv(0, 37, kernel, (stride, stride), pad, group=37, activation=Activation("leaky"))
    y = b.conv(y, 37, kernel, pad=pad, dilation=(1, 1), group=37, bias=False, plus=y)
    assert kinds_of(b.compare([y])).count("depthwise") == 2


@DTYPES
@pytest.mark.parametrize("kind", ["max", "average"])
@pytest.mark.parametrize(
    ("kernel", "step", "pad"),
    [((3, 3), (2, 2), (0, 0)), ((3, 2), (1, 2), (1, 1)), ((9, 7), (1, 1), (0, 0))],
)
def test_pooling(dtype, kind, kernel, step, pad):
    b = Builder((2, 18, 9, 7), dtype)
    x = b.conv(0, 21)
    shape = b.shapes[x]
    windows = zip(shape[2:], kernel, step, pad, strict=True)
    made = tuple(-(-(n + 2 * p - k) // s) + 1 for n, k, s, p in windows)
    y = b.add(Pool(kind, kernel, step, pad), (x,), (*shape[:2], *made))
    b.compare([y])


@DTYPES
@pytest.mark.parametrize("batch", [1, 2])
def test_elementwise_steps(dtype, batch):
    b = Builder((batch, 18, 4, 9), dtype)
    x = b.conv(0, 21)
    shape = b.shapes[x]
    mapped = b.add(Affine(b.draw(21), b.draw(21), ACTIVATIONS["prelu"]), (x,), shape)
    shifted = b.add(Affine(None, b.draw(21)), (mapped,), shape)
    clipped = b.add(ACTIVATIONS["clip"], (shifted,), shape)
    total = b.add(Add((0.5, -2.0, 1.0), Activation("leaky", 0.1)), (x, mapped, clipped), shape)
    normal = b.add(Normalize(5, 0.7, 0.75, 1.0), (total,), shape)
    other = b.add(Normalize(3, 0.7, 0.6, 2.0), (normal,), shape)
    b.compare([total, other])


@DTYPES
@pytest.mark.parametrize("sizes", [(16, 32, 16), (16, 21, 3), (3, 5, 40), (16, 16, 7)])
def test_joined_parts(dtype, sizes):
    """Some parts are written into the whole, some are copied; the rest of a block stays zero."""
    b = Builder((2, 17, 5, 6), dtype)
    start = b.conv(0, 24)
    parts = [b.conv(start, n, (3, 3), pad=(1, 1)) for n in sizes]
    whole = b.add(Join(1), parts, (2, sum(sizes), 5, 6))
    deeper = b.conv(whole, 16, (5, 5), pad=(2, 2))
    again = b.add(Join(1), (whole, deeper, parts[0]), (2, sum(sizes) + 16 + sizes[0], 5, 6))
    normal = b.add(Normalize(5, 0.7, 0.75, 1.0), (again,), b.shapes[again])
    b.compare([normal])
    b.compare([whole, b.conv(normal, 3)])


@DTYPES
@pytest.mark.parametrize("cuts", [(0, 16, 48), (0, 5, 48), (0, 32, 45)])
def test_cut_parts(dtype, cuts):
    b = Builder((2, 17, 5, 6), dtype)
    x = b.conv(0, cuts[-1])
    shapes = [(2, end - begin, 5, 6) for begin, end in pairwise(cuts)]
    first, second = b.add(Cut(1, cuts), (x,), *shapes)
    b.compare([b.conv(first, 9, (3, 3), pad=(1, 1)), b.conv(second, 9)])


def test_parts_of_a_whole_in_the_plain_layout():
    """One part comes from elsewhere: the whole is plain, and its blocked start is not used."""
    b = Builder((2, 16, 5, 6), "float32")
    x = b.conv(0, 32)
    whole = b.add(Join(1), (x, 0), (2, 48, 5, 6))
    b.compare([b.conv(whole, 9, (3, 3), pad=(1, 1))])


def test_memory_is_used_again():
    b = Builder((1, 16, 10, 10), "float32")
    x = 0
    for _ in range(12):
        x = b.conv(x, 16, (3, 3), pad=(1, 1))
    program = native(b, [x])
    program.run()
    assert program.memory < 4 * 16 * 12 * 12 * 4


def test_an_array_that_moves_is_noticed():
    b = Builder((1, 16, 6, 5), "float32")
    y = b.conv(0, 24, activation=Activation("leaky"))
    values = [Value(shape, i) for i, shape in enumerate(b.shapes)]
    held = {v: Memory(np.ones(b.shapes[v], "float32")) for v in (0, y)}
    program = make_ops("native", "float32").program(values, b.steps, held)
    program.run()
    before = held[y].data.copy()
    held[0].data, held[y].data = 2 * held[0].data, np.zeros_like(before)
    program.run()
    assert np.abs(held[y].data).max() > 0
    assert not np.array_equal(held[y].data, before)


def test_one_call_for_a_chain():
    b = Builder((1, 16, 6, 5), "float32")
    x = 0
    for _ in range(20):
        x = b.conv(x, 16)
    program = native(b, [x])
    program.run()
    assert len(program._works) == 1


@DTYPES
@pytest.mark.parametrize("size", [(12, 12), (13, 15), (14, 31), (30, 12)])
@pytest.mark.parametrize(("channels", "outputs"), [(32, 48), (50, 35), (64, 33)])
@pytest.mark.parametrize("batch", [1, 3])
def test_minimal_filtering(dtype, size, channels, outputs, batch):
    b = Builder((batch, channels, *size), dtype)
    y = b.conv(0, outputs, (3, 3), pad=(1, 1), activation=Activation("leaky"))
    y = b.conv(y, outputs, (3, 3), pad=(1, 1), activation=Activation("leaky", 0.2), plus=y)
    assert kinds_of(b.compare([y])).count("winograd") == 2


def test_minimal_filtering_keeps_nan_where_it_is():
    b = Builder((1, 32, 13, 13), "float32")
    y = b.conv(0, 32, (3, 3), pad=(1, 1))
    values = [Value(shape, i) for i, shape in enumerate(b.shapes)]
    held = {v: Memory(b.draw(*b.shapes[v])) for v in (0, y)}
    held[0].data[0, 5, 6, 12] = np.nan
    make_ops("native", "float32").program(values, b.steps, held).run()
    touched = np.isnan(held[y].data[0]).any(axis=0)
    wanted = np.zeros((13, 13), bool)
    wanted[5:8, 11:] = True
    np.testing.assert_array_equal(touched, wanted)
