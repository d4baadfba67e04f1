"""classify, detect and deploy, with nets whose answers are known."""

import json

import numpy as np
import pytest
from PIL import Image

from caffe_lite import Net, get_ops
from caffe_lite.cli import main
from caffe_lite.proto import load, schema, text
from caffe_lite.weights.write import write_caffemodel

# The score of class k is the mean of channel k: blue, green, red.
NET = """
name: "colours"
layer { name: "data" type: "Input" top: "data"
        input_param { shape { dim: 1 dim: 3 dim: 6 dim: 6 } } }
layer { name: "mean" type: "Pooling" bottom: "data" top: "mean"
        pooling_param { pool: AVE global_pooling: true } }
layer { name: "scale" type: "Power" bottom: "mean" top: "scaled" power_param { scale: 0.02 } }
layer { name: "prob" type: "Softmax" bottom: "scaled" top: "prob" }
"""


def softmax(values):
    exp = np.exp(values - np.max(values))
    return exp / exp.sum()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """colours.prototxt with weights, and images whose names say their colours."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.prototxt").write_text(NET)
    (tmp_path / "names.txt").write_text("blue\ngreen\nred\n")
    with Net(text.parse(NET, schema.NetParameter), schema.TEST, get_ops()) as net:
        write_caffemodel(net, tmp_path / "w.caffemodel")
    (tmp_path / "photos" / "more").mkdir(parents=True)
    for name, colour in (("a red", (200, 40, 0)), ("more/grün", (0, 150, 30))):
        Image.new("RGB", (9, 12), colour).save(tmp_path / "photos" / f"{name}.png")
    return tmp_path


def classify(*words, net="net.prototxt"):
    return main(["classify", *words, "--net", net, "--weights", "w.caffemodel"])


def test_the_likeliest_classes_of_a_folder(folder, capsys):
    assert classify("photos", "--classes", "names.txt", "--top", "2") == 0
    red, green = softmax([0, 0.8, 4]), softmax([0.6, 3, 0])
    assert capsys.readouterr().out.splitlines() == [
        "photos/a red.png",
        f"  {red[2]:.4f}  red",
        f"  {red[1]:.4f}  green",
        "photos/more/grün.png",
        f"  {green[1]:.4f}  green",
        f"  {green[0]:.4f}  blue",
    ]


def test_json_patterns_and_a_file_of_scores(folder, capsys):
    line = ("photos/*.png", "photos/**/gr*.png", "--json", "--mean", "1,2,3", "--scale", "2")
    assert classify(*line, "--out", "scores.npy", "--oversample") == 0
    red, green = json.loads(capsys.readouterr().out)
    assert red["image"] == "photos/a red.png" and green["image"] == "photos/more/grün.png"
    assert [each["label"] for each in red["classes"]] == [2, 1, 0]
    expected = softmax(0.04 * np.array([0 - 1, 40 - 2, 200 - 3]))
    scores = np.load("scores.npy")
    assert scores[0] == pytest.approx(expected, rel=1e-5)
    assert [each["probability"] for each in red["classes"]] == pytest.approx(
        expected[::-1].tolist()
    )


def test_the_accuracy_on_a_list(folder, capsys):
    (folder / "list.txt").write_text("a red.png 2\nmore/grün.png 0\na red.png 7\n")
    assert classify("list.txt", "--list", "--root", "photos/", "--top", "1") == 0
    assert "accuracy 0.3333 (1 of 3 images)" in capsys.readouterr().out
    assert classify("list.txt", "--list", "--root", "photos/", "--json") == 0
    assert [each["rank"] for each in json.loads(capsys.readouterr().out)] == [1, 2, 4]


def test_images_that_cannot_be_read(folder, capsys):
    (folder / "bad.png").write_text("no image")
    assert classify("bad.png", "photos/a red.png") == 1
    out, err = capsys.readouterr()
    assert "caffe_lite classify: bad.png: cannot be decoded" in err
    assert out.startswith("photos/a red.png\n  0.9")
    assert classify("bad.png") == 1
    assert "error: none of 1 image can be read" in capsys.readouterr().err


TRAINED = """
layer { name: "data" type: "ImageData" top: "data" top: "label"
        transform_param { mean_value: 1 mean_value: 2 mean_value: 3 scale: 2 crop_size: 4 }
        image_data_param { source: "no.txt" batch_size: 5 new_height: 6 new_width: 6 } }
layer { name: "mean" type: "Pooling" bottom: "data" top: "mean"
        pooling_param { pool: AVE global_pooling: true } }
layer { name: "scale" type: "Power" bottom: "mean" top: "scaled" power_param { scale: 0.02 } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "scaled" bottom: "label" top: "loss" }
"""


def test_the_definition_for_training_says_how_images_are_read(folder, capsys):
    (folder / "train.prototxt").write_text(TRAINED)
    assert classify("photos/a red.png", "--json", net="train.prototxt") == 0
    (red,) = json.loads(capsys.readouterr().out)
    expected = softmax(0.04 * np.array([0 - 1, 40 - 2, 200 - 3]))
    assert [each["probability"] for each in red["classes"]] == pytest.approx(
        expected[::-1].tolist()
    )


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["none.png"], 1, "none.png: no such file"),
        (["x*"], 1, '"x*" fits no file'),
        (["empty"], 1, "empty: the folder holds no images"),
        (["photos", "--root", "a/"], 2, "--root has no effect without --list; leave it out"),
        (["photos", "--blob", "fc8"], 1, 'net "colours" has no blob "fc8" with scores'),
        (["photos", "--blob", "data"], 1, 'blob "data" has shape (1, 3, 6, 6)'),
        (["photos", "--classes", "two.txt"], 1, "two.txt: 2 class names, but the net net.prototxt"),
        (["photos", "--flow", "x"], 1, "caffe_lite classify-video: error: w: no such"),
    ],
)
def test_what_is_refused(words, code, message, folder, capsys):
    (folder / "empty").mkdir()
    (folder / "two.txt").write_text("a\nb\n")
    (folder / "bad.jpg").touch()
    line = [*words, "--flow-weights", "w"] if "--flow" in words else words
    assert classify(*line) == code
    assert message in capsys.readouterr().err


SSD = """
name: "boxes"
layer { name: "data" type: "Input" top: "data"
        input_param { shape { dim: 1 dim: 3 dim: 4 dim: 4 } } }
layer { name: "location" type: "DummyData" top: "location"
        dummy_data_param { shape { dim: 1 dim: 8 } data_filler { value: 0 } } }
layer { name: "confidence" type: "InnerProduct" bottom: "data" top: "confidence"
        inner_product_param { num_output: 6 } }
layer { name: "priors" type: "Parameter" top: "priors"
        parameter_param { shape { dim: 1 dim: 2 dim: 8 } } }
layer { name: "out" type: "DetectionOutput" bottom: "location" bottom: "confidence"
        bottom: "priors" top: "out"
        detection_output_param { num_classes: 3 keep_top_k: 10 confidence_threshold: 0.01
                                 code_type: CORNER nms_param { nms_threshold: 0.4 } } }
"""


@pytest.fixture
def ssd(folder):
    """A net that finds class 2 in one box and class 1 in another, whatever the image."""
    (folder / "ssd.prototxt").write_text(SSD)
    with Net(text.parse(SSD, schema.NetParameter), schema.TEST, get_ops()) as net:
        net.params["confidence"][0].data[...] = 0
        net.params["confidence"][1].data[...] = [0.1, 0.2, 0.7, 0.35, 0.55, 0.1]
        boxes = [0.25, 0.5, 0.75, 1.5, 0, 0, 0.5, 0.25]
        net.params["priors"][0].data[...] = np.array([boxes, [0.1] * 8])[None]
        write_caffemodel(net, folder / "w.caffemodel")
    (folder / "labelmap.prototxt").write_text(
        'item { name: "none" label: 0 } item { name: "cat" label: 1 } item { name: "dog" label: 2 }'
    )
    return folder


def detect(*words, net="ssd.prototxt"):
    return main(["detect", *words, "--net", net, "--weights", "w.caffemodel"])


def test_boxes_in_pixels(ssd, capsys):
    assert detect("photos/a red.png", "--classes", "labelmap.prototxt", "--draw", "found") == 0
    assert capsys.readouterr().out.splitlines() == [
        "photos/a red.png: 2 objects",
        "  0.7000  2 6 7 12  dog",  # of 9 x 12 pixels, cut to the image
        "  0.5500  0 0 4 3  cat",
    ]
    with Image.open("found/a red.png") as picture:
        assert picture.size == (9 * 26, 12 * 26)
    assert detect("photos", "--json", "--threshold", "0.6") == 0
    for each in json.loads(capsys.readouterr().out):
        (found,) = each["objects"]
        assert found["label"] == 2 and found["box"] == pytest.approx([2.25, 6, 6.75, 12])


def test_windows(folder, capsys):
    (folder / "w.csv").write_text(
        "filename,xmin,ymin,xmax,ymax\nphotos/a red.png,0,1,6,7\nphotos/more/grün.png,2,2,9,12\n"
    )
    line = ("--windows", "w.csv", "--classes", "names.txt", "--out", "out.csv")
    assert detect(*line, net="net.prototxt") == 0
    red, green = softmax([0, 0.8, 4]), softmax([0.6, 3, 0])
    assert capsys.readouterr().out.splitlines() == [
        f"photos/a red.png  0 1 6 7  {red[2]:.4f}  red",
        f"photos/more/grün.png  2 2 9 12  {green[1]:.4f}  green",
    ]
    header, first, _ = (folder / "out.csv").read_text().splitlines()
    assert header == "filename,ymin,xmin,ymax,xmax,class0,class1,class2"
    assert first.split(",")[:5] == ["photos/a red.png", "1.0", "0.0", "7.0", "6.0"]
    assert [float(v) for v in first.split(",")[5:]] == pytest.approx(red.tolist(), rel=1e-5)


@pytest.mark.parametrize(
    ("table", "words", "code", "message"),
    [
        ("", [], 2, "name images to look at, or --windows"),
        ("", ["photos", "--out", "x"], 2, "--out has no effect without --windows"),
        ("filename,xmin\n", ["--windows", "w.csv"], 1, "w.csv:1: no column ymin, xmax, ymax"),
        (
            "filename,xmin,ymin,xmax,ymax\na,1,2,x,4\n",
            ["--windows", "w.csv"],
            1,
            "w.csv:2: expected a file name and four numbers",
        ),
        ("filename,xmin,ymin,xmax,ymax\n", ["--windows", "w.csv"], 1, "the list has no windows"),
        (
            "filename,xmin,ymin,xmax,ymax\nphotos/a red.png,50,0,60,9\n",
            ["--windows", "w.csv"],
            1,
            "photos/a red.png: window (0.0, 50.0, 9.0, 60.0) lies outside the image",
        ),
        ("", ["photos"], 1, "has no DetectionOutput layer; give --windows to classify windows"),
        ("", ["photos", "--windows", "w.csv"], 2, "--windows names the images itself"),
    ],
)
def test_detections_that_are_refused(table, words, code, message, folder, capsys):
    (folder / "w.csv").write_text(table)
    assert detect(*words, net="net.prototxt") == code
    assert message in capsys.readouterr().err


def test_deploy_is_the_net_that_was_trained(job, capsys):
    job.change("solver.prototxt", "max_iter: 24", "max_iter: 10")
    assert main(["train", "--solver", "solver.prototxt"]) == 0
    line = ["deploy", "net.prototxt", "--shape", "data=10,4", "--batch", "3"]
    assert main([*line, "--out", "d.prototxt", "--weights", "small_iter_10.caffemodel"]) == 0
    out = capsys.readouterr().out
    assert "d.prototxt: inputs data 10x4; outputs prob\nleft out: loss, accuracy\n" in out
    assert "blobs are equal to those of net.prototxt" in out
    made = load.load_net("d.prototxt")
    kinds = ["Input", "InnerProduct", "ReLU", "Dropout", "InnerProduct", "Softmax"]
    assert [layer.type for layer in made.layer] == kinds
    assert not made.layer[1].inner_product_param.HasField("weight_filler")
    # Its probabilities give the loss of the whole net.
    with Net(load.load_net("net.prototxt"), schema.TEST, get_ops()) as net:
        net.copy_trained_layers_from("small_iter_10.caffemodel")
        net.forward()
        data, labels = net.blobs["data"].data.copy(), net.blobs["label"].data.astype(int)
        loss = float(net.blobs["loss"].data)
    with Net(made, schema.TEST, get_ops()) as net:
        net.copy_trained_layers_from("small_iter_10.caffemodel")
        net.blobs["data"].reshape(*data.shape)
        net.blobs["data"].load(data)
        net.forward()
        rows = net.blobs["prob"].data[np.arange(8), labels]
    assert -np.log(rows).mean() == pytest.approx(loss, rel=1e-5)


def test_deploy_to_stdout_and_errors(folder, capsys):
    (folder / "train.prototxt").write_text(TRAINED)
    assert main(["deploy", "train.prototxt", "--batch", "7"]) == 0
    made = text.parse(capsys.readouterr().out, schema.NetParameter)
    assert list(made.layer[0].input_param.shape[0].dim) == [7, 3, 4, 4]
    assert main(["deploy", "train.prototxt", "--no-check", "--weights", "w"]) == 2
    assert "--weights are only for the check" in capsys.readouterr().err
