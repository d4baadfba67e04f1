"""The gradient check passes right layers, and says of wrong ones what is wrong."""

import numpy as np
import pytest

from caffe_lite.backend import get_ops
from caffe_lite.blob import Blob
from caffe_lite.layers.base import Layer
from caffe_lite.proto import schema
from caffe_lite.testing import (
    GradientError,
    KinkError,
    LayerRun,
    check_gradients,
    check_layer,
)

RNG = np.random.default_rng(5)


class Cubic(Layer):
    """y = a * x^3 with a learned number a; `fault` spoils its backward pass."""

    fault = ""

    def setup(self, bottom, top):
        self.add_blob((), schema.FillerParameter(value=1.5))

    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].shape)

    def forward(self, bottom, top):
        top[0].data[...] = self.blobs[0].data * bottom[0].data ** 3

    def backward(self, top, propagate_down, bottom):
        x, dy = bottom[0].data, top[0].diff
        self.blobs[0].diff[...] += (dy * x**3).sum()
        if propagate_down[0]:
            bottom[0].diff[...] = 3 * self.blobs[0].data * x**2 * dy


def check(cls, x, dtype="float64", seed=0):
    ops = get_ops(dtype=dtype)
    bottom = Blob(ops, *np.shape(x))
    bottom.data[...] = x
    layer = cls(schema.LayerParameter(name="cubic"), ops)
    layer.loss_weight = [0.0]
    run = LayerRun(layer, [bottom], [Blob(ops)])
    return check_gradients(run.layer, run.bottom, run.top, seed=seed)


@pytest.mark.parametrize("shape", [(1,), (2, 3), (7, 40)])
def test_right_gradients_pass(shape):
    results = check(Cubic, RNG.normal(size=shape))
    assert [r.blob for r in results] == ["bottom[0]", "blobs[0]"]
    assert max(r.error for r in results) < 1e-9


def test_result_names_the_worst_place_of_a_small_blob():
    class OneWrong(Cubic):
        def backward(self, top, propagate_down, bottom):
            super().backward(top, propagate_down, bottom)
            if propagate_down[0]:
                bottom[0].diff[1, 2] *= 1.01

    result = check(OneWrong, RNG.uniform(1, 2, (2, 3)))[0]
    assert result.place == "[1, 2]"
    assert result.analytic == pytest.approx(1.01 * result.numeric)
    assert 0.002 < result.error <= 0.0101


def test_one_wrong_element_of_a_large_blob_is_seen():
    class OneWrong(Cubic):
        def backward(self, top, propagate_down, bottom):
            super().backward(top, propagate_down, bottom)
            if propagate_down[0]:
                bottom[0].diff.reshape(-1)[777] *= 1.01

    result = check(OneWrong, RNG.uniform(1, 2, (40, 50)))[0]
    assert result.error > 1e-5
    assert result.place.startswith("direction")


def test_wrong_parameter_gradient_is_seen():
    class Wrong(Cubic):
        def backward(self, top, propagate_down, bottom):
            self.blobs[0].diff[...] += 1.01 * (top[0].diff * bottom[0].data ** 3).sum()
            super_diff = 3 * self.blobs[0].data * bottom[0].data ** 2 * top[0].diff
            if propagate_down[0]:
                bottom[0].diff[...] = super_diff

    right, wrong = check(Wrong, RNG.normal(size=(2, 3)))
    assert right.error < 1e-9
    assert wrong.error == pytest.approx(0.01, rel=0.1)


def test_tiny_gradients_are_checked_too():
    class Tiny(Cubic):
        scale, wrong = 1e-7, 1.0

        def forward(self, bottom, top):
            super().forward(bottom, top)
            top[0].data[...] *= self.scale

        def backward(self, top, propagate_down, bottom):
            top[0].diff[...] *= self.scale * self.wrong
            super().backward(top, propagate_down, bottom)

    class TinyAndWrong(Tiny):
        wrong = 1.01

    x = RNG.normal(size=(3, 4))
    assert max(r.error for r in check(Tiny, x)) < 1e-6
    assert max(r.error for r in check(TinyAndWrong, x)) > 1e-3


def test_constant_layer_has_no_error():
    class Constant(Layer):
        def reshape(self, bottom, top):
            top[0].reshape(2)

        def forward(self, bottom, top):
            top[0].data[...] = 4

        def backward(self, top, propagate_down, bottom):
            if propagate_down[0]:
                bottom[0].diff[...] = 0

    assert check(Constant, RNG.normal(size=3))[0].error == 0


class Hinge(Layer):
    """y = max(x, 0), with the kink at 0."""

    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].shape)

    def forward(self, bottom, top):
        top[0].data[...] = np.maximum(bottom[0].data, 0)

    def backward(self, top, propagate_down, bottom):
        if propagate_down[0]:
            bottom[0].diff[...] = top[0].diff * (bottom[0].data > 0)


# Offsets across the smaller step: at the point, at a third (where second differences cancel), at
# two thirds of it.
@pytest.mark.parametrize("offset", [0, 1e-6, 2e-5, -2e-5, 4e-5])
def test_kinks_near_the_point_are_refused(offset):
    with pytest.raises(KinkError, match=r"bottom\[0\] at \[1\].*not smooth"):
        check(Hinge, [0.5, offset, -0.5])


def test_a_jump_is_refused():
    class Step(Hinge):
        def forward(self, bottom, top):
            top[0].data[...] = bottom[0].data > 0

    with pytest.raises(KinkError):
        check(Step, [1e-7])


@pytest.mark.parametrize("offset", [1e-4, 5e-4, -9.9e-4])
def test_a_kink_beyond_the_smaller_step_does_not_matter(offset):
    assert check(Hinge, [0.5, offset, -0.5])[0].error < 1e-6


def test_strong_curvature_is_no_kink():
    class Wave(Hinge):
        def forward(self, bottom, top):
            top[0].data[...] = np.sin(60 * bottom[0].data)

        def backward(self, top, propagate_down, bottom):
            if propagate_down[0]:
                bottom[0].diff[...] = 60 * np.cos(60 * bottom[0].data) * top[0].diff

    assert check(Wave, RNG.normal(size=(4, 5)))[0].error < 1e-6


def test_bottom_diffs_must_be_overwritten():
    class Adds(Cubic):
        def backward(self, top, propagate_down, bottom):
            if propagate_down[0]:
                bottom[0].diff[...] += 3 * self.blobs[0].data * bottom[0].data ** 2 * top[0].diff

    with pytest.raises(GradientError, match="bottom.s diff must be overwritten"):
        check(Adds, [1.0, 2.0])


def test_parameter_diffs_must_be_added_to():
    class Overwrites(Cubic):
        def backward(self, top, propagate_down, bottom):
            super().backward(top, propagate_down, bottom)
            self.blobs[0].diff[...] = (top[0].diff * bottom[0].data ** 3).sum()

    with pytest.raises(GradientError, match=r"must add to the diff of blobs\[0\]"):
        check(Overwrites, [1.0, 2.0])


def test_propagate_down_false_must_be_heard():
    class Deaf(Cubic):
        def backward(self, top, propagate_down, bottom):
            super().backward(top, [True], bottom)

    with pytest.raises(GradientError, match=r"bottom\[0\] alone"):
        check(Deaf, [1.0, 2.0])


def test_forward_must_repeat():
    class Counts(Cubic):
        calls = 0

        def forward(self, bottom, top):
            self.calls += 1
            top[0].data[...] = bottom[0].data + self.calls

    with pytest.raises(GradientError, match="does not repeat"):
        check(Counts, [1.0, 2.0])


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused(value):
    with pytest.raises(GradientError, match=r"top\[0\] values that are not finite"):
        check(Hinge, [1.0, value])


def test_float32_is_refused():
    with pytest.raises(GradientError, match='get_ops\\(dtype="float64"\\)'):
        check(Cubic, [1.0], dtype="float32")


def test_data_and_blobs_are_left_as_found():
    ops = get_ops(dtype="float64")
    x = Blob(ops, 2, 3)
    x.data[...] = RNG.normal(size=(2, 3))
    before = x.data.copy()
    layer = Cubic(schema.LayerParameter(name="cubic", loss_weight=[2.0]), ops)
    run = LayerRun(layer, [x], [Blob(ops)])
    check_gradients(run.layer, run.bottom, run.top)
    assert (x.data == before).all(), "the bottom is not restored"
    assert run.layer.blobs[0].data == 1.5
    assert (run.top[0].diff == 2).all(), "the loss weight is back in the top's diff"


def test_random_numbers_are_put_back_before_each_forward():
    x = RNG.normal(size=(3, 4))
    results = check_layer('type: "Dropout" dropout_param { dropout_ratio: 0.4 }', [x])
    assert results[0].error < 1e-9


def test_running_statistics_do_not_drift():
    # The TRAIN phase of BatchNorm changes its blobs in every forward.
    found = {}

    def prepare(layer):
        found["layer"] = layer
        for i, blob in enumerate(layer.blobs):
            blob.data[...] = i + 1

    check_layer('type: "BatchNorm"', [RNG.normal(size=(4, 2, 3))], prepare=prepare)
    assert [blob.data.tolist() for blob in found["layer"].blobs] == [[1, 1], [2, 2], [3]]


def test_error_names_layer_blob_place_and_numbers():
    with pytest.raises(
        GradientError,
        match=(
            r'^layer "norm" \(MVN\): gradient of bottom\[0\] at \[0, \d, \d\]: backward gives '
            r"\S+, finite differences \S+ \(error \S+, allowed 1e-06\)$"
        ),
    ):
        # Caffe's backward leaves eps out, which a large one shows.
        check_layer('name: "norm" type: "MVN" mvn_param { eps: 0.5 }', [RNG.normal(size=(1, 2, 3))])


def test_inputs_drawn_from_the_same_seed_do_not_line_up_with_the_weights():
    # With weights equal to x the gradient of MVN would be 0, and any fault in it unseen.
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 5))
    result = check_layer('type: "MVN"', [x], seed=0)[0]
    assert abs(result.analytic) > 1e-3
