"""Work recorded as a graph and replayed, on the stand-in."""

import numpy
import pytest

from caffe_lite.backend import UpdateSlot, get_ops
from caffe_lite.backend.gpu.capture import CaptureError
from caffe_lite.errors import DataError
from tests.backend.op_case_base import compare, hosts
from tests.backend.standin.cupy_module import installed
from tests.backend.standin.memory import TAPE
from tests.backend.update_rules import update_rule


@pytest.fixture
def ops():
    with installed():
        yield get_ops(0, "float64")


def make_step(ops, rng):
    """A small training step with the operations of a net, and the arrays that it changes."""
    x, label = ops.asarray(rng.standard_normal((6, 5))), ops.asarray(rng.integers(0, 4, (6, 1)))
    slot = UpdateSlot(
        ops.asarray(rng.standard_normal((4, 5))),
        ops.zeros((4, 5)),
        [ops.zeros((4, 5)), ops.zeros((4, 5))],
    )
    stream = ops.stream(7)
    dropped, mask, scores, prob = (ops.empty(s) for s in ((6, 5), (6, 5), (6, 4), (6, 4, 1)))
    losses, loss = ops.empty((6, 1)), ops.zeros(())

    def step():
        slot.diff.fill(0)
        ops.dropout(x, dropped, mask, 0.3, stream)
        ops.gemm(dropped, slot.data, scores, trans_b=True)
        ops.label_fault(label, 4, None)
        ops.softmax(scores.reshape(6, 4, 1), prob)
        total, count = ops.softmax_loss(prob, label, None, losses)
        loss[...] = total / count
        ops.softmax_loss_grad(prob, label, None, 1 / count, prob)
        ops.gemm(prob.reshape(6, 4), dropped, slot.diff, trans_a=True, accumulate=True)
        scale = 1 / ops.xp.maximum(ops.xp.sqrt(ops.sum_squares([slot.diff])), 1)
        ops.update(
            update_rule("Adam"), [slot], rates[0], scale, 0.01, momentum=0.9, iteration=rates[1]
        )

    rates = [0.1, 0]
    results = {"data": slot.data, "history": slot.history[0], "loss": loss, "mask": mask}
    return step, rates, results, x


def test_replay_is_eager(ops):
    histories = []
    for captured in (False, True):
        rng = numpy.random.default_rng(3)
        step, rates, results, x = make_step(ops, rng)
        seen = []
        for iteration in range(5):
            rates[:] = [0.1 / (1 + iteration), iteration]
            ops.copy_to_device(rng.standard_normal((6, 5)), x)
            ops.set_update_controls(rates[0], 1.0, iteration)
            if captured and iteration == 2:
                recording = ops.capture(step)
            TAPE.waits = 0
            (recording.replay if captured and iteration >= 2 else step)()
            assert TAPE.waits == 0, f"iteration {iteration} waits for the device"
            seen.append(hosts(ops, **results))
        histories.append(seen)
    for eager, replayed in zip(*histories, strict=True):
        compare(replayed, eager, 1e-14)
    assert not numpy.array_equal(histories[0][0]["data"], histories[0][4]["data"])
    assert not numpy.array_equal(histories[0][3]["mask"], histories[0][4]["mask"])


def test_a_replayed_scale_is_not_taken_for_the_hosts(ops):
    slot = UpdateSlot(ops.zeros((2,)), ops.zeros((2,)), [ops.zeros((2,))])
    half = ops.asarray(numpy.array(0.5))

    def update(scale):
        slot.diff.fill(1)
        ops.update(update_rule("SGD"), [slot], 1.0, scale)

    update(half)
    ops.set_update_controls(1.0, 1.0)
    recording = ops.capture(lambda: update(half))
    for _ in range(2):
        ops.set_update_controls(1.0, 1.0)
        recording.replay()
        assert ops.to_host(slot.diff).tolist() == [0.5, 0.5]
        update(1.0)
        assert ops.to_host(slot.diff).tolist() == [1, 1]


def test_capture_does_nothing_yet(ops):
    x, y = ops.asarray(numpy.arange(4.0)), ops.zeros((4,))
    recording = ops.capture(lambda: ops.relu(x, y, 0.5))
    assert ops.to_host(y).tolist() == [0, 0, 0, 0]
    assert not ops.capturing
    recording.replay()
    assert ops.to_host(y).tolist() == [0, 1, 2, 3]
    x[...] = -2
    recording.replay()
    assert ops.to_host(y).tolist() == [-1, -1, -1, -1]


@pytest.mark.parametrize(
    ("what", "text"),
    [
        (lambda ops, x: float(x[0]), "is capturing"),
        (lambda ops, x: ops.to_host(x), "is capturing"),
        (lambda ops, x: ops.synchronize(), "is capturing"),
        (lambda ops, x: ops.asarray(numpy.ones(3)), "is capturing"),
        (lambda ops, x: ops.copy_to_device(numpy.ones(4), x), "copied from the host"),
        (lambda ops, x: ops.set_update_controls(0.3), "controls are set"),
        (lambda ops, x: x.reshape(2, 2) @ x.reshape(2, 2), "cuBLAS"),
        (lambda ops, x: ops.xp.argsort(x), "is capturing"),
        (lambda ops, x: x[x > 0], "is capturing"),
    ],
)
def test_what_cannot_be_captured(ops, what, text):
    x = ops.zeros((4,))
    ops.set_update_controls(0.1)
    with pytest.raises(CaptureError, match=text):
        ops.capture(lambda: what(ops, x))
    assert not ops.capturing
    x.fill(3)
    assert ops.to_host(x).tolist() == [3, 3, 3, 3]


def test_an_error_of_the_net_stays_itself_while_capturing(ops):
    def fail():
        raise DataError("no more data")

    with pytest.raises(DataError, match="no more data"):
        ops.capture(fail)


def test_a_recorded_workspace_is_not_given_back(ops):
    y, bias = ops.zeros((3, 4, 5)), ops.zeros((4,))
    recording = ops.capture(lambda: ops.sum_bias(y, bias))
    arena = ops._arena
    ops.workspaces((10000,))
    assert ops._arena is not arena
    assert ops._retired[0] is arena
    y.fill(2)
    recording.replay()
    assert ops.to_host(bias).tolist() == [30] * 4


def test_steady_state_does_not_wait(ops):
    rng = numpy.random.default_rng(2)
    step, _, _, x = make_step(ops, rng)
    step()
    TAPE.waits = 0
    step()
    assert TAPE.waits == 0
