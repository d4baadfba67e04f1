"""The steps of a fit: images found, divided, nets made, rates and scores."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from caffe_lite import Net, get_ops
from caffe_lite.data.image_records import Entry
from caffe_lite.errors import DataError, ModelError, UsageError
from caffe_lite.fit.collection import Collection, find_images
from caffe_lite.fit.evaluation import Answer, class_scores, worst
from caffe_lite.fit.find_rate import HIGHEST, LOWEST, Rates, rising
from caffe_lite.fit.own_net import own_net
from caffe_lite.fit.plan import Choices, make_plan
from caffe_lite.fit.split import split
from caffe_lite.fit.templates import TEMPLATES, body
from caffe_lite.lrcn.pictures.confusion import confusion_matrix
from caffe_lite.proto import schema, text
from caffe_lite.solvers import events
from caffe_lite.solvers.lr_policy import learning_rate


@pytest.fixture
def folder(tmp_path):
    """Two classes of 5 and 4 images of 30 x 24 pixels, one of them in a folder inside."""
    for name, count in (("größe 1", 5), ("b", 4)):
        (tmp_path / name / "inside").mkdir(parents=True)
        for i in range(count):
            place = tmp_path / name / ("inside" if i == 0 else "") / f"im {i}.png"
            Image.new("RGB", (24, 30), (i * 20, 30, 90)).save(place)
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "b" / "notes.txt").touch()
    return tmp_path


def test_a_folder_for_each_class(folder):
    (folder / "b" / "bad.png").write_text("no image")
    found = find_images(str(folder))
    assert found.classes == ["b", "größe 1"] and found.size == (30, 24) and not found.grey
    assert len(found.entries) == 9 and Entry("größe 1/inside/im 0.png", 1) in found.entries
    (message,) = found.unreadable
    assert "bad.png: cannot be decoded" in message
    assert all(Path(found.root + entry.path).is_file() for entry in found.entries)


def test_a_list(folder):
    lines = [f"b/im {i}.png 0\n" for i in (1, 2, 3)] + [
        f"größe 1/im {i}.png 1\n" for i in (1, 2, 3)
    ]
    (folder / "list.txt").write_text("".join(lines))
    found = find_images(str(folder / "list.txt"))
    assert found.classes == ["0", "1"] and len(found.entries) == 6
    (folder / "list.txt").write_text("b/im 1.png 0\nb/im 2.png 2\n")
    with pytest.raises(DataError, match='the class "0" has 1 image; at least 3 are needed'):
        find_images(str(folder / "list.txt"))
    (folder / "list.txt").write_text("b/im 1.png -1\nb/im 2.png 2\n")
    with pytest.raises(DataError, match="the label -1; labels are whole numbers from 0 on"):
        find_images(str(folder / "list.txt"))


def test_classes_that_are_refused(folder):
    (folder / "empty").mkdir()
    with pytest.raises(DataError, match='the class "empty" has no images; at least 3 are needed'):
        find_images(str(folder))
    (folder / "empty").rename(folder / "B")
    with pytest.raises(DataError, match='the classes "B" and "b" differ only in case; rename one'):
        find_images(str(folder))
    with pytest.raises(DataError, match=r"no classes; a folder for each of at least two classes"):
        find_images(str(folder / "b" / "inside"))


def test_names_with_line_breaks_are_refused(folder):
    (folder / "b" / "a\nb.png").write_bytes((folder / "b" / "im 1.png").read_bytes())
    with pytest.raises(DataError, match=r"has a line break in its name; rename it"):
        find_images(str(folder))


def collection(*counts, size=(30, 24)):
    entries = [Entry(f"{k}/{i}", k) for k, count in enumerate(counts) for i in range(count)]
    return Collection("root/", [f"class {k}" for k in range(len(counts))], entries, [], size, False)


@pytest.mark.parametrize("counts", [(3, 3), (40, 300, 7), (1000, 900)])
def test_every_image_is_in_one_part(counts):
    images = collection(*counts)
    parts = split(images, (0.15, 0.15), 3)
    together = parts.train + parts.val + parts.test
    assert sorted(e.path for e in together) == sorted(e.path for e in images.entries)
    assert len(parts.val) == parts.batch * parts.batches and parts.batch <= 100
    for label, count in enumerate(counts):
        of_class = [sum(e.label == label for e in part) for part in (parts.train, parts.test)]
        assert min(of_class) >= 1 and of_class[1] == max(1, round(0.15 * count))
    assert split(images, (0.15, 0.15), 3) == parts != split(images, (0.15, 0.15), 4)


SHAPES = {"lenet": [20, 33, 64], "squeezenet": [32], "resnet18": [20, 32]}


@pytest.mark.parametrize("name", TEMPLATES)
def test_templates_score_each_class(name):
    for side in [*SHAPES.get(name, []), None]:
        small = side is not None
        side = side or TEMPLATES[name].crop
        net = body(name, 7, small, fresh=10)
        data = schema.NetParameter()
        layer = data.layer.add(name="data", type="Input", top=["data"])
        layer.input_param.shape.add(dim=[2, 3, side, side])
        data.layer.extend(net.layer)
        with Net(data, schema.TEST, get_ops()) as made:
            assert made.outputs == ["score"] and made.blobs["score"].count == 2 * 7
        rates = {layer.name: [spec.lr_mult for spec in layer.param] for layer in net.layer}
        assert [10, 20] in (rates.get("score"), rates.get("score_map"))
        assert rates["conv1"][0] == 1


OWN = """
layer { name: "data" type: "Input" top: "x" input_param { shape { dim: 4 dim: 1 dim: 9 dim: 8 } } }
layer { name: "conv" type: "Convolution" bottom: "x" top: "conv"
        convolution_param { num_output: 3 kernel_size: 3 } }
layer { name: "ip" type: "InnerProduct" bottom: "conv" top: "ip" param { lr_mult: 1 }
        inner_product_param { num_output: 5 weight_filler { type: "gaussian" } } }
layer { name: "prob" type: "Softmax" bottom: "ip" top: "prob" }
"""


def test_a_net_of_the_users():
    made = own_net(text.parse(OWN, schema.NetParameter), "own.prototxt", 6, "new", (3, 5, 5))
    assert [layer.name for layer in made.body.layer] == ["conv", "ip_new"]
    assert (made.data, made.score, made.shape) == ("x", "ip", (1, 9, 8))
    conv, ip = made.body.layer
    assert conv.convolution_param.weight_filler.type == "xavier"
    assert ip.inner_product_param.num_output == 6
    assert ip.inner_product_param.weight_filler.type == "gaussian"
    assert [spec.lr_mult for spec in ip.param] == [10, 20]
    plain = own_net(text.parse(OWN, schema.NetParameter), "own.prototxt", 6, "", (3, 5, 5))
    assert plain.last == "ip" and [spec.lr_mult for spec in plain.body.layer[1].param] == [1]
    with pytest.raises(ModelError, match="own.prototxt: has no InnerProduct or Convolution layer"):
        only = OWN.split('layer { name: "conv"')[0] + (
            'layer { name: "a" type: "AbsVal" bottom: "x" top: "a" }'
        )
        own_net(text.parse(only, schema.NetParameter), "own.prototxt", 6, "", (3, 5, 5))


@pytest.mark.parametrize(("crop", "expected"), [("", (3, 30, 24)), ("crop_size: 20", (3, 20, 20))])
def test_a_net_for_training_takes_images_of_their_size(crop, expected):
    first = OWN.index('layer { name: "conv"')
    data = """layer { name: "data" type: "Data" top: "x" top: "label"
              transform_param { scale: 0.5 %s } data_param { source: "none" batch_size: 4 } }"""
    loss = 'layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" }'
    net = text.parse(data % crop + OWN[first:] + loss, schema.NetParameter)
    made = own_net(net, "own.prototxt", 6, "", (3, 30, 24))
    assert (made.shape, made.scale, made.score) == (expected, 0.5, "ip")


@pytest.mark.parametrize(
    ("size", "choices", "expected"),
    [
        ((30, 24), Choices(), ("lenet", (30, 24), 0)),
        ((300, 240), Choices(), ("resnet18", (256, 256), 224)),
        ((300, 240), Choices(size=48), ("lenet", (48, 48), 0)),
        ((30, 24), Choices(net="caffenet"), ("caffenet", (256, 256), 227)),
        ((30, 24), Choices(net="squeezenet", size=128), ("squeezenet", (128, 128), 114)),
    ],
)
def test_the_images_decide_what_is_open(size, choices, expected):
    images = collection(50, 60, size=size)
    plan = make_plan(images, split(images, (0.2, 0.2), 1), choices)
    assert (plan.net, plan.size, plan.crop) == expected
    assert plan.iterations == 30 * plan.interval and plan.batch == 6  # a tenth of 66


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        (Choices(net="resnet"), 'no such file, and no net of this name; did you mean "resnet18"'),
        (Choices(size=10), "images of 10 pixels are smaller than lenet takes, 20; give --size 32"),
        (Choices(net="caffenet", size=100), "--size 100: caffenet needs images of at least 220"),
        (Choices(weights="w"), "--weights needs --net: the net that they belong to"),
    ],
)
def test_choices_that_do_not_fit(choices, message):
    images = collection(9, 9)
    with pytest.raises(UsageError, match=message):
        make_plan(images, split(images, (0.2, 0.2), 1), choices)


def test_scores_of_classes():
    counts = confusion_matrix([0, 0, 0, 1, 1], [0, 0, 1, 1, 0], 3)
    first, second, third = class_scores(counts, ["a", "b", "c"])
    assert (first.images, first.right) == (3, 2)
    assert first.precision == pytest.approx(2 / 3) and first.recall == pytest.approx(2 / 3)
    assert second.precision == 0.5 and second.recall == 0.5 and second.f1 == 0.5
    assert third.images == 0 and np.isnan(third.recall) and np.isnan(third.f1)


def test_the_worst_mistakes_are_the_surest():
    def answer(label, *probabilities):
        values = np.array(probabilities)
        return Answer(f"{label}{values}", label, int(values.argmax()), values)

    found = [answer(0, 0.9, 0.1), answer(1, 0.6, 0.4), answer(0, 0.2, 0.8)]
    assert worst(found, 5) == [found[2], found[1]] and worst(found, 1) == [found[2]]


def test_a_rising_rate():
    solver = schema.SolverParameter(net="n", base_lr=0.1, lr_policy="fixed", test_interval=3)
    solver.test_iter.append(2)
    made = rising(solver, 11)
    rates = [learning_rate(made, i, 0)[0] for i in range(11)]
    assert rates[0] == pytest.approx(LOWEST) and rates[-1] == pytest.approx(HIGHEST, rel=1e-4)
    assert not made.test_iter and solver.base_lr == pytest.approx(0.1)


def test_the_loss_over_rates_until_it_explodes():
    rates = Rates()
    for i, loss in enumerate([2.0, 2.0, 1.0, 0.5, 100.0]):
        assert not rates.is_hopeless
        rates(events.IterationDisplayed(i, loss, 10.0 ** (i - 5), (), 1, 1, 1.0))
    assert rates.losses[1] == pytest.approx(2) and rates.is_hopeless
    assert rates.suggestion == pytest.approx(1e-3)
    rates(events.IterationDisplayed(5, float("nan"), 1.0, (), 1, 1, 1.0))
    assert rates.is_hopeless and rates.suggestion == pytest.approx(1e-3)
