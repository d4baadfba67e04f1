"""Generated nets and solvers: they load, build, have the sizes asked for, and can be decoded."""

import numpy as np
import pytest

from caffe_lite.backend import get_ops
from caffe_lite.cli import main
from caffe_lite.cli.commands import parse
from caffe_lite.errors import UsageError
from caffe_lite.lrcn.activity import VideoClassifier
from caffe_lite.lrcn.caption_net import examine
from caffe_lite.lrcn.generate import Activity, Captions, activity_files, caption_files
from caffe_lite.nets.net import Net
from caffe_lite.proto import schema
from caffe_lite.proto.load import load_net, load_solver


def generate(folder, *options):
    args = parse(["lrcn", "net", "--out", str(folder), *options])
    return args.run(args)


def deploy(path):
    return Net(load_net(path), schema.TEST, get_ops())


def layers(path):
    """The layers that are not data, by name."""
    kinds = ("Python", "ImageData", "HDF5Data")
    return {layer.name: layer for layer in load_net(path).layer if layer.type not in kinds}


@pytest.mark.parametrize(
    "options, feature, shapes",
    [
        ([], "fc6", {"lstm1": (1024, 4096), "fc8-final": (101, 256)}),
        (
            ["--features", "fc7", "--units", "512", "--classes", "7"],
            "fc7",
            {"fc7": (4096, 4096), "lstm1": (2048, 4096), "fc8-final": (7, 512)},
        ),
        (
            ["--layers", "3", "--units", "64", "--frames", "8"],
            "fc6",
            {"lstm1": (256, 4096), "lstm2": (256, 64), "lstm3": (256, 64)},
        ),
    ],
)
def test_activity_nets(tmp_path, options, feature, shapes):
    generate(tmp_path, "--task", "activity", *options)
    net = deploy(tmp_path / "deploy.prototxt")
    for name, shape in shapes.items():
        assert net.params[name][0].shape == shape
    classifier = VideoClassifier(net)
    frames = 8 if "--frames" in options else 16
    assert (classifier.length, classifier.streams) == (frames, 10)
    assert classifier.classes == shapes.get("fc8-final", (101,))[0]
    assert classifier.frame_net.name == feature
    train = layers(tmp_path / "train_test.prototxt")
    ratios = {name: each.dropout_param.dropout_ratio for name, each in train.items()
              if each.type == "Dropout"}  # fmt: skip
    assert ratios[f"drop{feature[-1]}"] == pytest.approx(0.9)
    assert ratios["lstm1-drop"] == 0.5
    kept = {name for name in train if not name.startswith(("drop", "reshape-label", "loss"))}
    assert {"conv1", "fc6", "lstm1", "fc8-final"} <= kept


def test_the_net_of_single_frames(tmp_path):
    generate(tmp_path, "--task", "activity", "--layers", "0", "--modality", "flow")
    net = deploy(tmp_path / "deploy.prototxt")
    assert VideoClassifier(net, flow=True).markers is None
    assert net.params["fc8-ucf"][0].shape == (101, 4096)
    solver = load_solver(tmp_path / "solver.prototxt")
    assert (solver.stepsize, solver.max_iter) == (20000, 50000)
    assert solver.snapshot_prefix == "flow_fc7_single_frame"


def test_solvers_are_those_of_the_paper(tmp_path):
    for modality, clip in (("rgb", 5), ("flow", 15)):
        generate(tmp_path, "--task", "activity", "--modality", modality)
        solver = load_solver(tmp_path / "solver.prototxt")
        assert solver.clip_gradients == clip and solver.base_lr == pytest.approx(0.001)
        assert solver.net == "train_test.prototxt"
    data = load_net(tmp_path / "train_test.prototxt").layer[0].python_param
    assert (data.module, data.layer) == ("sequence_input_layer", "videoReadTrain_flow")


@pytest.mark.parametrize(
    "options, layers, seeing",
    [
        ([], 2, "lstm2"),
        (["--unfactored"], 2, "lstm1"),
        (["--layers", "1"], 1, "lstm1"),
        (["--layers", "4"], 4, "lstm4"),
        (["--layers", "3", "--unfactored"], 3, "lstm1"),
    ],
)
def test_captioners(tmp_path, options, layers, seeing):
    generate(tmp_path, "--task", "captions", "--units", "30", "--words", "50", *options)
    net = deploy(tmp_path / "word_to_preds.deploy.prototxt")
    parts = examine(net)
    assert [layer.name for layer in parts.recurrent] == [f"lstm{n + 1}" for n in range(layers)]
    assert parts.size == 50 and parts.embed.input_dim == 50
    has_image = [layer.name for layer in parts.recurrent if len(layer.blobs) == 4]
    assert has_image == [seeing]
    assert deploy(tmp_path / "image.deploy.prototxt").blobs["fc8"].shape == (10, 1000)
    rates = {
        stage: layers_of(tmp_path / f"{stage}train_test.prototxt") for stage in ("", "finetune_")
    }
    assert rates[""]["conv3"] == [0, 0]
    assert rates["finetune_"]["conv3"] == [pytest.approx(0.1), pytest.approx(0.2)]
    assert rates[""]["fc8"] == rates["finetune_"]["fc8"] != [0, 0]
    finetune = load_solver(tmp_path / "finetune_solver.prototxt")
    assert finetune.net == "finetune_train_test.prototxt"


def layers_of(path):
    return {name: [p.lr_mult for p in layer.param] for name, layer in layers(path).items()}


def test_a_generated_captioner_trains(tmp_path, monkeypatch):
    """One iteration of the language part, on the streams that `captions prepare` writes."""
    text = caption_files(Captions(layers=1, is_factored=False, units=8, words=6, buffer=2, steps=3))
    param = load_net_text(tmp_path, text["train_test.prototxt"])
    wanted = ("embedding", "lstm1", "predict", "cross_entropy_loss")
    kept = [layer for layer in param.layer if layer.name in wanted]
    del param.layer[:]
    for name, shape in (
        ("cont_sentence", (3, 2)),
        ("input_sentence", (3, 2)),
        ("target_sentence", (3, 2)),
        ("fc8", (2, 1000)),
    ):
        each = param.layer.add(name=name, type="Input", top=[name])
        each.input_param.shape.add(dim=shape)
    param.layer.extend(kept)
    net = Net(param, schema.TRAIN, get_ops())
    net.blobs["input_sentence"].data[...] = [[0, 0], [2, 3], [1, -1]]
    net.blobs["input_sentence"].data[2, 1] = 0
    net.blobs["target_sentence"].data[...] = [[2, 3], [1, 0], [0, -1]]
    net.blobs["cont_sentence"].data[...] = [[0, 0], [1, 1], [1, 0]]
    net.blobs["fc8"].data[...] = 0.1
    net.forward()
    assert net.blobs["cross_entropy_loss"].data == pytest.approx(np.log(6), rel=0.05)
    net.backward()
    assert all(np.abs(blob.diff).max() > 0 for blob in net.params["lstm1"])


def load_net_text(folder, text):
    (folder / "net.prototxt").write_text(text)
    return load_net(folder / "net.prototxt")


@pytest.mark.parametrize(
    "options, told",
    [
        (["--task", "activity", "--words", "9"], "--words has no effect with --task activity"),
        (["--task", "captions", "--features", "fc6"], "--features has no effect with --task capt"),
        (["--task", "captions", "--layers", "0"], "captioner has two LSTM layers or more"),
    ],
)
def test_wrong_options_are_refused_in_one_line(tmp_path, capsys, options, told):
    assert main(["lrcn", "net", "--out", str(tmp_path / "out"), *options]) == 2
    err = capsys.readouterr().err
    assert told in err and len(err.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_values_of_the_interface_are_checked():
    with pytest.raises(UsageError, match="rgb or flow with features fc6 or fc7, got depth"):
        Activity(modality="depth")
    assert set(activity_files(Activity())) == {
        "train_test.prototxt",
        "deploy.prototxt",
        "solver.prototxt",
    }
