import math

import numpy as np
import pytest

from caffe_lite.proto import binary, schema
from caffe_lite.testing import check_layer, make_layer
from tests.layers.helpers import RNG, fails, normal

H = RNG.uniform(0.1, 2, (3, 3))
LABELS = np.array([2.0, 0, 1, 1])


def text(loss_param="", param="", tops=1):
    top = 'top: "loss" top: "prob"' if tops == 2 else 'top: "loss"'
    return (
        f'type: "InfogainLoss" {top} loss_param {{ {loss_param} }} '
        f"infogain_loss_param {{ {param} }}"
    )


def expected(x, labels, matrix, axis=1, ignore=None):
    """The sum over labels that count, and their number."""
    scores = np.moveaxis(x, axis, -1).reshape(-1, x.shape[axis])
    total, count = 0.0, 0
    for row, label in zip(scores, labels.reshape(-1), strict=True):
        if label == ignore:
            continue
        exp = [math.exp(v) for v in row]
        total -= sum(
            h * math.log(e / sum(exp)) for h, e in zip(matrix[int(label)], exp, strict=True)
        )
        count += 1
    return total, count


@pytest.mark.parametrize("batch", [1, 4])
def test_formula_and_gradient(batch):
    x, labels = normal(batch, 3), LABELS[:batch]
    loss, prob = make_layer(text(tops=2), [x, labels, H]).forward()
    total, count = expected(x, labels, H)
    assert loss == pytest.approx(total / count)
    np.testing.assert_allclose(prob, np.exp(x) / np.exp(x).sum(axis=1, keepdims=True))
    check_layer(text(), [x, labels, H])
    check_layer(text(tops=2), [x, labels, H])


@pytest.mark.parametrize(
    "axis, shape, label_shape",
    [
        (1, (2, 3, 4, 5), (2, 4, 5)),
        (-1, (2, 4, 3), (2, 4)),
        (2, (2, 1, 3, 5), (2, 1, 5)),
    ],
)
def test_classes_on_any_axis(axis, shape, label_shape):
    x, labels = normal(*shape), RNG.integers(0, 3, label_shape).astype(float)
    param = text(param=f"axis: {axis}")
    total, count = expected(x, labels, H, axis)
    assert make_layer(param, [x, labels, H]).forward()[0] == pytest.approx(total / count)
    check_layer(param, [x, labels, H])


@pytest.mark.parametrize(
    "mode, divisor",
    [
        ("", 3),
        ("normalization: VALID", 3),
        ("normalization: FULL", 4),
        ("normalization: BATCH_SIZE", 2),
        ("normalization: NONE", 1),
    ],
)
def test_ignored_labels(mode, divisor):
    x, labels = normal(2, 3, 2), np.array([[2.0, -1], [0, 1]])
    param = text(f"ignore_label: -1 {mode}")
    total, _ = expected(x, labels, H, ignore=-1)
    run = make_layer(param, [x, labels, H])
    assert run.forward()[0] == pytest.approx(total / divisor)
    assert (run.backward()[0][0][0, :, 1] == 0).all()
    check_layer(param, [x, labels, H])


@pytest.mark.parametrize("field", ["data", "double_data"])
def test_matrix_from_a_file(tmp_path, field):
    path = tmp_path / "infogain.binaryproto"
    proto = schema.BlobProto(num=1, channels=1, height=3, width=3)
    getattr(proto, field).extend(H.reshape(-1))
    binary.write(path, proto)
    x = normal(4, 3)
    (loss,) = make_layer(text(param=f'source: "{path}"'), [x, LABELS]).forward()
    total, count = expected(x, LABELS, H)
    assert loss == pytest.approx(total / count, rel=1e-6)
    check_layer(text(param=f'source: "{path}"'), [x, LABELS])


def test_the_identity_gives_softmax_with_loss():
    x = normal(4, 3)
    loss = make_layer(text(), [x, LABELS, np.eye(3)]).forward()[0]
    assert loss == pytest.approx(make_layer('type: "SoftmaxWithLoss"', [x, LABELS]).forward()[0])


def test_impossible_scores_stay_finite():
    run = make_layer(text(), [[[0.0, 1000.0, -1000.0]], [0], H])
    assert run.forward()[0] == pytest.approx((H[0, 0] + H[0, 2]) * 20 * math.log(10))
    run.backward()


def test_errors(tmp_path):
    x = normal(4, 3)
    fails(text(), [x, LABELS], "third bottom", "source")
    fails(text(param='source: "/nowhere/h.binaryproto"'), [x, LABELS], "/nowhere/h.binaryproto")
    fails(text("normalize: true"), [x, LABELS, H], "not the older normalize")
    fails(text(), [x, LABELS, np.ones((2, 3))], "3 x 3 elements", "got 6")
    fails(text(), [x, [0, 1, 2, 3], H], "0 to 2", "3")
    fails(text(), [normal(4, 3, 2), LABELS, H], "needs one label per prediction", "got 4")
    fails(text(param="axis: 2"), [x, LABELS, H], "axis must be in [-2, 1]")
    path = tmp_path / "h.binaryproto"
    binary.write(path, schema.BlobProto(data=[1, 2, 3]))
    fails(text(param=f'source: "{path}"'), [x, LABELS], "square", "3 elements")
