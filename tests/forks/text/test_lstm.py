import numpy as np
import pytest

from caffe_lite.testing import check_layer, make_layer
from tests.layer_case import Case, spread
from tests.layers.helpers import fails, normal, untouched

FILLERS = 'weight_filler { type: "gaussian" std: 0.7 } bias_filler { type: "gaussian" std: 0.5 }'
LAYER = f'type: "Lstm" lstm_param {{ num_output: 4 {FILLERS} %s }}'
T, N, D, H = 5, 3, 6, 4
X = normal(T * N, D)
CLIP = np.array([[0, 1, 1], [1, 1, 0], [1, 0, 1], [1, 1, 1], [0, 1, 1]], float)

CASES = [
    Case("Lstm", f"lstm_param {{ num_output: 4 {FILLERS} }}", (spread(5, 3),),
         allocates="steps make small arrays"),
    Case("Lstm", f"lstm_param {{ num_output: 4 {FILLERS} }}", (spread(4, 2, 3), np.ones((4, 2))),
         allocates="steps make small arrays"),
]  # fmt: skip
SAMPLES = {"Lstm": (normal(6, 3), np.ones((3, 2)))}


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def by_loop(x, cont, weight, recurrent, bias, h, c):
    """All h (T, N, H), and the last h and c; x (T, N, D), cont (T, N)."""
    out = np.zeros((*x.shape[:2], H))
    for t, n in np.ndindex(x.shape[:2]):
        z = weight @ x[t, n] + bias
        if cont[t, n]:
            z = z + recurrent @ h[n]
        i, f, o, g = z.reshape(4, H)
        c[n] = sigmoid(i) * np.tanh(g) + (sigmoid(f) * c[n] if cont[t, n] else 0)
        h[n] = out[t, n] = sigmoid(o) * np.tanh(c[n])
    return out


def blobs(run):
    return [blob.data.copy() for blob in run.layer.blobs]


@pytest.mark.parametrize("by_step", [False, True])
def test_values_and_gradients(by_step):
    text = LAYER % ("" if by_step else "batch_size: 3")
    x = X.reshape(T, N, D) if by_step else X
    run = make_layer(text, [x])
    assert [blob.shape for blob in run.layer.blobs] == [(16, 6), (16, 4), (16,)]
    cont = np.ones((T, N))
    cont[0] = 0
    expected = by_loop(X.reshape(T, N, D), cont, *blobs(run), np.zeros((N, H)), np.zeros((N, H)))
    for _ in range(2):  # nothing is carried
        (y,) = run.forward()
        assert y.shape == ((T, N, H) if by_step else (T * N, H))
        np.testing.assert_allclose(y.reshape(T, N, H), expected, rtol=1e-7, atol=1e-12)
    check_layer(text, [x])
    check_layer(LAYER % "", [X])
    check_layer(LAYER % "", [X[:1]])


def test_sequences_that_begin_and_continue():
    run = make_layer(LAYER % "batch_size: 3", [X, CLIP.reshape(-1, 1)])
    h, c = np.zeros((N, H)), np.zeros((N, H))
    for _ in range(3):
        expected = by_loop(X.reshape(T, N, D), CLIP, *blobs(run), h, c)
        (y,) = run.forward()
        np.testing.assert_allclose(y.reshape(T, N, H), expected, rtol=1e-7, atol=1e-12)

    def carry(layer):
        layer._carried[...] = np.random.default_rng(4).normal(size=(2, N, H))

    check_layer(LAYER % "batch_size: 3", [X, CLIP.reshape(-1, 1)], prepare=carry)


def test_the_carried_state_is_saved():
    first = make_layer(LAYER % "batch_size: 3", [X, CLIP])
    first.forward()
    second = make_layer(LAYER % "batch_size: 3", [X, CLIP])
    second.layer.set_state(first.layer.get_state())
    np.testing.assert_array_equal(first.forward()[0], second.forward()[0])


def test_clipping_cuts_the_gradients_of_gates():
    plain, cut = (
        make_layer(LAYER % f"batch_size: 3 {text}", [X[:N]])
        for text in ("", "clipping_threshold: 0.05")
    )
    ones = [np.ones((N, H))]
    (dx,), (dweight, _, dbias) = _gradients(plain, ones)
    gates = _solve(dx, plain)
    (cut_dx,), (cut_dweight, _, cut_dbias) = _gradients(cut, ones)
    limited = np.clip(gates, -0.05, 0.05)
    assert (abs(gates) > 0.05).any() and (abs(gates) < 0.05).any()
    weight = plain.layer.blobs[0].data
    np.testing.assert_allclose(cut_dx, limited @ weight, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(cut_dweight, limited.T @ X[:N], rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(cut_dbias, limited.sum(axis=0), rtol=1e-6, atol=1e-9)


def _gradients(run, top_diffs):
    run.forward()
    return run.backward(top_diffs)


def _solve(dx, run):
    """The gradients of the gates: with one step they are what backward leaves."""
    return run.layer._dgates.reshape(N, 4 * H).copy()


def test_without_propagate_down_the_gradient_stays():
    untouched(make_layer(LAYER % "batch_size: 3", [X, CLIP]), [np.ones((T * N, H))])


def test_errors():
    fails(LAYER % "batch_size: 4", [X], "batch_size 4 does not divide the 15 steps")
    fails(LAYER % "batch_size: 3", [X, CLIP[1:]], "clip (bottom[1]) must have 15 numbers")
    fails('type: "Lstm"', [X], "needs num_output")
