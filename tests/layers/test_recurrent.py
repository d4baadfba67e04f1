"""LSTM and RNN against loops; carried states, static inputs, exposed states, changing T and N."""

import numpy as np
import pytest

from caffe_lite.testing import check_layer, make_layer
from tests.layers.helpers import fails, normal, params
from tests.layers.recurrent import REFERENCES, text

both = pytest.mark.parametrize("kind", REFERENCES)
STATES = {"LSTM": 2, "RNN": 1}


def sequences(steps, streams):
    """Indicators in which streams begin anew at different steps, and some go on from before."""
    cont = np.ones((steps, streams))
    for n in range(streams):
        cont[n % steps, n] = n % 2
        cont[steps // 2, n] = (n + 1) % 2
    return cont


def carried(kind, streams, hidden=3):
    return [normal(streams, hidden) for _ in range(STATES[kind])]


@both
@pytest.mark.parametrize(
    ("x_shape", "static"),
    [
        ((4, 2, 5), None),
        ((5, 3, 2), (3, 4)),
        ((3, 4, 2, 1, 3), (4, 2, 2)),
        ((1, 1, 2), None),
        ((6, 1, 1), (1, 3)),
    ],
)
def test_forward_and_gradients_from_a_carried_state(kind, x_shape, static):
    x, cont = normal(*x_shape), sequences(*x_shape[:2])
    bottoms = [x, cont] + ([normal(*static)] if static else [])
    run = make_layer(text(kind), bottoms)
    state = {"carried": carried(kind, x_shape[1])}
    run.layer.set_state(state)
    (y,) = run.forward()
    expected, final = REFERENCES[kind](
        x, cont, params(run), *bottoms[2:] or [None], *state["carried"]
    )
    np.testing.assert_allclose(y, expected, rtol=1e-9)
    for mine, other in zip(run.layer.get_state()["carried"], final, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-9)
    flags = [True, False, True][: len(bottoms)]
    check_layer(
        text(kind), bottoms, propagate_down=flags, prepare=lambda layer: layer.set_state(state)
    )


@both
def test_cont_is_a_factor(kind):
    x, cont = normal(3, 2, 4), np.array([[0.5, 1], [0, 0.3], [0.8, 1]])
    run = make_layer(text(kind), [x, cont])
    state = carried(kind, 2)
    run.layer.set_state({"carried": state})
    expected, _ = REFERENCES[kind](x, cont, params(run), None, *state)
    np.testing.assert_allclose(run.forward()[0], expected, rtol=1e-9)


@both
def test_two_forwards_go_on_and_backward_stops_between(kind):
    x, cont = normal(6, 2, 4), np.ones((6, 2))
    cont[4, 1] = 0
    whole, run = make_layer(text(kind), [x, cont]), make_layer(text(kind), [x[:3], cont[:3]])
    (expected,) = whole.forward()
    parts, dx = [], []
    for part in (slice(0, 3), slice(3, 6)):
        run.bottom[0].data[...], run.bottom[1].data[...] = x[part], cont[part]
        parts.append(run.forward()[0])
        dx.append(run.backward([np.ones((3, 2, 3))], [True, False])[0][0])
    np.testing.assert_allclose(np.concatenate(parts), expected, rtol=1e-10)
    (across, _), _ = whole.backward([np.ones((6, 2, 3))], [True, False])
    np.testing.assert_allclose(dx[1], across[3:], rtol=1e-9)
    assert (abs(dx[0] - across[:3]) > 1e-3).any()


@both
def test_reset_forgets(kind):
    run = make_layer(text(kind), [normal(2, 3, 4), np.ones((2, 3))])
    (first,) = run.forward()
    assert (abs(run.forward()[0] - first) > 1e-3).any()
    run.layer.reset()
    np.testing.assert_array_equal(run.forward()[0], first)


@both
def test_a_zero_indicator_forgets(kind):
    cont = np.ones((2, 3))
    cont[0] = 0
    run = make_layer(text(kind), [normal(2, 3, 4), cont])
    (first,) = run.forward()
    np.testing.assert_array_equal(run.forward()[0], first)


@both
def test_steps_and_streams_may_change(kind):
    run = make_layer(text(kind), [normal(3, 4, 2), np.ones((3, 4))])
    blobs = params(run)
    state = [np.zeros((4, 3))] * STATES[kind]
    for steps, streams in ((3, 4), (5, 4), (2, 2), (2, 2), (1, 3), (4, 3)):
        x, cont = normal(steps, streams, 2), np.ones((steps, streams))
        for blob, values in zip(run.bottom, (x, cont), strict=True):
            blob.reshape(*values.shape)
            blob.data[...] = values
        run.reshape()
        if streams != len(state[0]):  # fewer streams go on, more begin anew
            state = [
                part[:streams] if streams < len(part) else np.zeros((streams, 3)) for part in state
            ]
        expected, state = REFERENCES[kind](x, cont, blobs, None, *state)
        np.testing.assert_allclose(run.forward()[0], expected, rtol=1e-9)
        run.backward([normal(steps, streams, 3)], [True, False])


@both
def test_gradients_after_a_change_of_length(kind):
    run = make_layer(text(kind), [normal(5, 3, 2), np.ones((5, 3))])
    run.forward()
    x = normal(2, 3, 2)
    run.bottom[0].reshape(2, 3, 2)
    run.bottom[1].reshape(2, 3)
    run.bottom[0].data[...], run.bottom[1].data[...] = x, 1
    run.reshape()
    run.layer.reset()
    run.forward()
    dy = normal(2, 3, 3)
    fresh = make_layer(text(kind), [x, np.ones((2, 3))])
    fresh.forward()
    for mine, other in zip(
        run.backward([dy], [True, False]), fresh.backward([dy], [True, False]), strict=True
    ):
        for a, b in zip(mine, other, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9)


@both
@pytest.mark.parametrize("static", [False, True])
def test_exposed_states(kind, static):
    x, cont, states = normal(3, 2, 4), sequences(3, 2), carried(kind, 2)
    inner = [normal(2, 5)] if static else []
    bottoms = [x, cont, *inner, *(state[None] for state in states)]
    run = make_layer(text(kind, "expose_hidden: true"), bottoms, tops=1 + len(states))
    y, *final = run.forward()
    expected, expected_final = REFERENCES[kind](x, cont, params(run), *inner or [None], *states)
    np.testing.assert_allclose(y, expected, rtol=1e-9)
    for mine, other in zip(final, expected_final, strict=True):
        np.testing.assert_allclose(mine, other[None], rtol=1e-9)
    np.testing.assert_array_equal(run.forward()[0], y)  # nothing is carried
    assert "carried" not in run.layer.get_state()

    dy = normal(3, 2, 3)
    flags = [True, False, *[True] * (len(bottoms) - 2)]
    for blob in run.bottom:
        blob.diff[...] = 7
    (dx, _, *others), dparams = run.backward([dy] + [np.full((1, 2, 3), 9.0)] * len(states), flags)
    for dstate in others[len(inner) :]:
        assert (dstate == 0).all()
    closed = make_layer(text(kind), [x, cont, *inner])
    closed.layer.set_state({"carried": states})
    closed.forward()
    (closed_dx, *_), closed_dparams = closed.backward([dy], flags[: 2 + len(inner)])
    np.testing.assert_allclose(dx, closed_dx, rtol=1e-12)
    for mine, other in zip(dparams, closed_dparams, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-12)


@both
def test_state_resumes_another_layer(kind):
    bottoms = [normal(3, 2, 4), np.ones((3, 2))]
    run, other = make_layer(text(kind), bottoms), make_layer(text(kind), bottoms)
    run.forward()
    state = run.layer.get_state()
    (expected,) = run.forward()
    other.layer.set_state(state)
    np.testing.assert_array_equal(other.forward()[0], expected)
    stranger = make_layer(text(kind), [normal(3, 1, 4), np.ones((3, 1))])
    with pytest.raises(Exception, match="2 streams x 3 units, the layer has 1 x 3"):
        stranger.layer.set_state(state)


@both
def test_an_in_place_layer_above_changes_neither_state_nor_gradient(kind):
    bottoms, dy = [normal(3, 2, 4), np.ones((3, 2))], normal(3, 2, 3)
    plain, run = make_layer(text(kind), bottoms), make_layer(text(kind), bottoms)
    plain.forward()
    run.forward()
    run.top[0].data[...] = 100
    for mine, other in zip(
        run.backward([dy], [True, False])[1], plain.backward([dy], [True, False])[1], strict=True
    ):
        np.testing.assert_array_equal(mine, other)
    np.testing.assert_array_equal(run.forward()[0], plain.forward()[0])


@both
def test_flags_leave_diffs_alone(kind):
    bottoms = [normal(3, 2, 4), np.ones((3, 2)), normal(2, 5)]
    run = make_layer(text(kind), bottoms)
    run.forward()
    run.layer.param_propagate_down = [i == 3 for i in range(len(run.layer.blobs))]
    for blob in run.bottom:
        blob.diff[...] = 7
    diffs, dparams = run.backward([normal(3, 2, 3)], [False] * 3)
    assert all((diff == 7).all() for diff in diffs)
    assert [bool(diff.any()) for diff in dparams] == run.layer.param_propagate_down


@both
def test_errors(kind):
    x, cont = normal(3, 2, 4), np.ones((3, 2))
    states = [normal(1, 2, 3)] * STATES[kind]
    fails(f'type: "{kind}"', [x, cont], "num_output must be at least 1, got 0")
    fails(text(kind), [x, np.ones((2, 3))], "(T, N) = (3, 2)", "got (2, 3)")
    fails(text(kind), [x, np.ones((3, 2, 1))], "got (3, 2, 1)")
    fails(text(kind), [normal(3), normal(3)], "(T, N, ...)", "got (3,)")
    fails(text(kind), [x, cont, normal(3, 5)], "static input", "N = 2", "got (3, 5)")
    fails(text(kind), [x, cont, normal(2, 5), x], "takes 2 bottoms, or 3 with a static input")
    fails(text(kind), [x, cont], "makes 1 tops", tops=2)
    fails(text(kind), [np.zeros((3, 2, 0)), cont], "at least one element")
    exposed = text(kind, "expose_hidden: true")
    fails(exposed, [x, cont], f"takes {2 + len(states)} bottoms", tops=1 + len(states))
    fails(
        exposed,
        [x, cont, *states[1:], normal(1, 2, 4)],
        "(1, 2, 3), got (1, 2, 4)",
        tops=1 + len(states),
    )
    run = make_layer(text(kind), [x, cont])
    run.forward()
    with pytest.raises(Exception, match="sequence indicators"):
        run.backward([normal(3, 2, 3)], [True, True])
    run.bottom[0].reshape(3, 2, 5)
    with pytest.raises(Exception, match=r"take 4 inputs per step from bottom\[0\].* gives 5"):
        run.reshape()


def test_order_of_blobs():
    bottoms = [normal(3, 2, 4, 2), np.ones((3, 2)), normal(2, 5)]
    lstm, rnn = (make_layer(text(kind), bottoms) for kind in ("LSTM", "RNN"))
    assert [blob.shape for blob in lstm.layer.blobs] == [(12, 8), (12,), (12, 5), (12, 3)]
    assert [blob.shape for blob in rnn.layer.blobs] == [(3, 8), (3,), (3, 5), (3, 3), (3, 3), (3,)]
    plain = make_layer(text("LSTM"), bottoms[:2])
    assert [blob.shape for blob in plain.layer.blobs] == [(12, 8), (12,), (12, 3)]
