"""eval_type: "detection": the mean average precision of DetectionEvaluate's rows."""

import logging

import pytest

from caffe_lite.cli.solver_log import _lines, _record
from caffe_lite.errors import SolverError
from caffe_lite.proto import schema, text
from caffe_lite.solvers import events
from caffe_lite.solvers.registry import get_solver

# Two images a batch; class 1 has three objects of which two are found, class 2 one that is missed.
TRUTH = [
    (0, 1, 0, 0.1, 0.1, 0.3, 0.3, 0),
    (0, 2, 0, 0.5, 0.5, 0.7, 0.7, 0),
    (1, 1, 0, 0.1, 0.1, 0.3, 0.3, 0),
    (1, 1, 1, 0.6, 0.6, 0.9, 0.9, 0),
]
FOUND = [
    (0, 1, 0.9, 0.1, 0.1, 0.3, 0.3),
    (0, 1, 0.8, 0.6, 0.1, 0.8, 0.3),
    (1, 1, 0.7, 0.6, 0.6, 0.9, 0.9),
    (1, 2, 0.6, 0.6, 0.6, 0.9, 0.9),
]


NET = """
layer { name: "w" type: "Parameter" top: "w" parameter_param { shape { dim: 1 } } }
layer { name: "loss" type: "Reduction" bottom: "w" top: "loss" loss_weight: 1
        include { phase: TRAIN } }
layer { name: "quiet" type: "Silence" bottom: "w" include { phase: TEST } }
layer { name: "found" type: "Input" top: "found" include { phase: TEST }
        input_param { shape { dim: 1 dim: 1 dim: 4 dim: 7 } } }
layer { name: "truth" type: "Input" top: "truth" include { phase: TEST }
        input_param { shape { dim: 1 dim: 1 dim: 4 dim: 8 } } }
layer { name: "eval" type: "DetectionEvaluate" bottom: "found" bottom: "truth" top: "eval"
        detection_evaluate_param { num_classes: 4 } include { phase: TEST } }
"""
SETTINGS = """base_lr: 0 lr_policy: "fixed" max_iter: 1 test_iter: 2 test_interval: 1
    eval_type: "detection" """


def run_test(settings="", found=FOUND, net=NET):
    """The event at the end of a test of two equal batches."""
    param = text.parse(f"{SETTINGS} {settings} net_param {{ {net} }}", schema.SolverParameter)
    seen = []
    with get_solver(param, listeners=[seen.append]) as solver:
        solver.test_nets[0].blobs["found"].data[...] = found
        solver.test_nets[0].blobs["truth"].data[...] = TRUTH
        solver.test_all()
    (done,) = (event for event in seen if isinstance(event, events.TestDone))
    return done


# Class 1, over both batches: true 0.9, 0.9; false 0.8, 0.8; true 0.7, 0.7; six objects in all.
# Precision at the hits is 1, 1, 3/5 and 4/6, each with a step in recall of 1/6.
CLASS_1 = {
    "Integral": (1 + 1 + 3 / 5 + 4 / 6) / 6,
    "MaxIntegral": (1 + 1 + 4 / 6 + 4 / 6) / 6,
    "101point": (34 * 1 + 33 * 4 / 6) / 101,
    "11point": (4 * 1 + 3 * 4 / 6) / 11,  # recall 2/6 is above 0, 0.1, 0.2 and 0.3; 4/6 to 0.6
}


@pytest.mark.parametrize("version", CLASS_1)
def test_the_mean_is_over_all_classes(version):
    done = run_test(f'ap_version: "{version}"')
    (output,) = done.outputs
    assert (output.index, output.name, output.loss_weight) == (0, "eval", 0)
    # class 2 is missed, class 3 has neither objects nor detections; both count as 0
    assert output.value == pytest.approx(CLASS_1[version] / 3, rel=1e-6)
    assert done.class_precisions == ()


def test_the_log_is_that_of_ssd(caplog):
    with caplog.at_level(logging.WARNING):
        done = run_test("show_per_class_result: true test_compute_loss: true")
    assert caplog.messages == ["Missing true_pos for label: 3"]
    value = CLASS_1["Integral"]
    assert [line for line, _ in _lines(done)] == [
        "Test loss: 0",
        f"class1: {value:g}",
        "class2: 0",
        f"    Test net output #0: eval = {value / 3:g}",
    ]
    name, fields = _record(done)
    assert name == "test"
    assert fields["outputs"] == {"eval": [pytest.approx(value / 3)]}
    assert fields["classes"] == [["eval", 1, pytest.approx(value)], ["eval", 2, 0]]


def test_no_detection_at_all_is_zero(caplog):
    with caplog.at_level(logging.WARNING):
        done = run_test(found=-1)
    assert done.outputs[0].value == 0
    assert [message[-1] for message in caplog.messages] == ["1", "2", "3"]


def test_difficult_objects_that_are_not_evaluated():
    truth = [list(row) for row in TRUTH]
    net = NET.replace("num_classes: 4", "num_classes: 4 evaluate_difficult_gt: false")
    truth[0][7] = 1
    param = text.parse(f"{SETTINGS} net_param {{ {net} }}", schema.SolverParameter)
    seen = []
    with get_solver(param, listeners=[seen.append]) as solver:
        solver.test_nets[0].blobs["found"].data[...] = FOUND
        solver.test_nets[0].blobs["truth"].data[...] = truth
        solver.test_all()
    # the best detection counts no more; false 0.8, 0.8, true 0.7, 0.7 of four objects
    expected = (1 / 3 + 2 / 4) / 4 / 3
    assert seen[-1].outputs[0].value == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    "settings, message",
    [
        ('eval_type: "segmentation"', 'eval_type must be "classification" or "detection"'),
        ('eval_type: "detection" ap_version: "12point"', "ap_version must be one of Integral"),
    ],
)
def test_wrong_fields(settings, message):
    param = text.parse(
        f'base_lr: 0 lr_policy: "fixed" {settings} net_param {{ {NET} }}', schema.SolverParameter
    )
    with pytest.raises(SolverError, match=message):
        get_solver(param)


def test_other_outputs_are_refused():
    net = NET.replace('type: "Silence" bottom: "w"', 'type: "Power" bottom: "w" top: "other"')
    with pytest.raises(SolverError, match=r'test output "other" has shape \(1,\); with eval_type'):
        run_test(net=net)
