"""Proofs of nets that choose: among values that tie, each side may choose its own."""

import numpy as np

from caffe_lite.export.choices import choices
from caffe_lite.export.proof import prove, run_net
from caffe_lite.export.to import onnx
from tests.export.layer_nets import definition, job_of

NET = """
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 dim: 4 dim: 6 } } }
layer { name: "conv" type: "Convolution" bottom: "x" top: "conv"
        convolution_param { num_output: 3 kernel_size: 3 pad: 1 } }
layer { name: "pool" type: "Pooling" bottom: "conv" top: "pool" top: "mask"
        pooling_param { kernel_size: 2 stride: 2 } }
layer { name: "up" type: "Upsample" bottom: "pool" bottom: "mask" top: "up"
        upsample_param { scale: 2 } }
layer { name: "best" type: "ArgMax" bottom: "up" top: "best" argmax_param { axis: 1 } }"""


def test_choices_are_given_to_the_layers_that_take_them(tmp_path):
    job = job_of(definition(NET))
    assert [(c.blob, c.source, c.taken) for c in choices(job.net)] == [
        ("mask", "conv", True),
        ("best", "up", False),
    ]
    path = tmp_path / "net.onnx"
    onnx.write(job, path)
    proof = onnx.check(job, path)
    assert proof.exit_code == 0, proof.text()
    assert {row.blob for row in proof.rows} == {"conv", "pool", "mask", "up", "best"}
    assert "given to the layers that take them: mask" in proof.text()


def test_a_tie_may_be_broken_either_way_and_no_other_choice_passes():
    net = job_of(definition(NET)).net
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 6)).astype(np.float32)
    ours = run_net(net, {"x": x})
    ties = (ours["up"] == 0).all(axis=1, keepdims=True)
    tied = {**ours, "best": np.where(ties, 1, ours["best"])}
    assert (tied["best"] != ours["best"]).any()
    assert prove(net, lambda inputs: tied, [{"x": x}]).exit_code == 0
    for blob, wrong in (("best", 2 - ours["best"]), ("mask", ours["mask"] // 2), ("mask", 99)):
        theirs = {**ours, blob: wrong + 0 * ours[blob]}
        proof = prove(net, lambda inputs, theirs=theirs: theirs, [{"x": x}])
        assert proof.first_difference.blob == blob
