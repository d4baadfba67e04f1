"""What a net logs: its wiring, and magnitudes with debug_info."""

import logging

import pytest

from tests.nets.small_net import SMALL, build


def test_debug_info_logs_magnitudes(caplog):
    net = build("debug_info: true force_backward: true " + SMALL % "")
    for name in ("x", "t"):
        net.blobs[name].data[...] = 2
    with caplog.at_level(logging.INFO, "caffe_lite.net"):
        net.forward()
        net.backward()
    lines = [record.getMessage() for record in caplog.records]
    assert "    [Forward] Layer in, top blob x data: 2" in lines
    assert any(line.startswith("    [Forward] Layer a, param blob 0 data: ") for line in lines)
    assert any(line.startswith("    [Backward] Layer b, bottom blob h diff: ") for line in lines)
    assert any("All net params (data, diff): L1 norm = (" in line for line in lines)


def test_building_logs_the_wiring(caplog):
    with caplog.at_level(logging.INFO, "caffe_lite.net"):
        build(SMALL % "")
    lines = [record.getMessage() for record in caplog.records]
    for line in (
        "Creating Layer a",
        "a <- x",
        "a -> h",
        "r -> h (in-place)",
        "Setting up a",
        "Top shape: 5 4 (20)",
        "    with loss weight 1",
        "a needs backward computation.",
        "in does not need backward computation.",
        "This network produces output loss",
        "Network initialization done.",
    ):
        assert line in lines


WITHOUT_LOSS = SMALL.partition('layer { name: "loss"')[0]
FROZEN = (SMALL % "").replace(
    "inner_product_param", "param { lr_mult: 0 } param { lr_mult: 0 } inner_product_param"
)


@pytest.mark.parametrize(
    ("definition", "reason"),
    [
        (WITHOUT_LOSS, "the net has no loss; add a loss layer"),
        (FROZEN, "no learned blob below a loss has an lr_mult other than 0"),
        (SMALL % "", ""),
        ("force_backward: true " + WITHOUT_LOSS, ""),
        ("force_backward: true " + FROZEN, ""),
    ],
    ids=["no loss", "frozen", "trained", "no loss, forced", "frozen, forced"],
)
def test_a_backward_pass_that_computes_nothing_says_why_once(caplog, definition, reason):
    net = build(definition)
    net.forward()
    net.backward()
    net.backward()
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    if not reason:
        assert warnings == []
        return
    (warning,) = warnings
    assert warning.startswith('net "small": backward computes nothing: ')
    assert reason in warning
    assert not any(blob.diff.any() for blob in net.learnable_params), "backward computed something"
