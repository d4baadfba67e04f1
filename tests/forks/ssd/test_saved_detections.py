import json
import logging

import numpy as np
import pytest

from caffe_lite.layers.registry import layer_class
from caffe_lite.proto import schema, text
from caffe_lite.testing import make_layer
from tests.layers.helpers import fails

PRIORS = np.array([[[0.1, 0.2, 0.5, 0.4, 0.3, 0.55, 0.7, 1.25], [0.1] * 8]])
MAP = "".join(
    f'item {{ name: "{name}" label: {label} display_name: "{name}" }}\n'
    for label, name in enumerate(["none", "cat", "7"])
)


@pytest.fixture
def files(tmp_path):
    (tmp_path / "map.prototxt").write_text(MAP)
    (tmp_path / "sizes.txt").write_text("first 100 200\n0012 30 40\nthird 50 60\n")
    return tmp_path


def layer(folder, form, more="", fields=""):
    return f"""type: "DetectionOutput" detection_output_param {{ num_classes: 3 {fields}
        confidence_threshold: 0.5 save_output_param {{
        output_directory: "{folder}/out" output_name_prefix: "det_" output_format: "{form}"
        label_map_file: "{folder}/map.prototxt" name_size_file: "{folder}/sizes.txt" {more} }} }}"""


def run_batch(run, *images):
    """Each image's scores: classes none, cat, 7 of the first prior, then of the second."""
    run.bottom[0].reshape(len(images), 8)
    run.bottom[1].reshape(len(images), 6)
    run.bottom[1].data[...] = images
    run.reshape()
    run.forward()


BOTH, CAT, NOTHING = [0, 0.875, 0, 0, 0, 0.75], [0, 0, 0, 0, 0.625, 0.25], [0] * 6


def start(text):
    return make_layer(text, [np.zeros((1, 8)), np.zeros((1, 6)), PRIORS])


def test_voc_makes_a_file_for_each_class(files):
    run = start(layer(files, "VOC"))
    run_batch(run, BOTH, CAT)
    assert not (files / "out" / "det_cat.txt").exists()
    run_batch(run, NOTHING)
    # second box: x 0.3 to 0.7, y 0.55 to 1 once cut to the image; the far corner is the near one
    # in whole pixels plus the size in whole pixels
    assert (files / "out" / "det_cat.txt").read_text() == (
        "first 0.875 20 20 100 40\n0012 0.625 12 16 28 29\n"
    )
    assert (files / "out" / "det_7.txt").read_text() == "first 0.75 60 55 140 100\n"
    assert not (files / "out" / "det_none.txt").exists()


def test_ilsvrc_makes_one_file_of_labels(files):
    run = start(layer(files, "ILSVRC"))
    run_batch(run, BOTH, CAT, NOTHING)
    assert (files / "out" / "det_.txt").read_text().splitlines() == [
        "first 1 0.875 20 20 100 40",
        "first 2 0.75 60 55 140 100",
        "0012 1 0.625 12 16 28 29",
    ]


def test_coco_makes_one_json_file(files):
    run = start(layer(files, "COCO"))
    run_batch(run, BOTH, CAT, NOTHING)
    rows = json.loads((files / "out" / "det_.json").read_text())
    assert [(row["image_id"], row["category_id"], row["score"]) for row in rows] == [
        ("first", "cat", 0.875),
        ("first", 7, 0.75),
        (12, "cat", 0.625),
    ]
    assert rows[0]["bbox"] == [20, 20, 80, 20]
    assert rows[2]["bbox"] == [12, 16.5, 16, 13.5]


def test_nothing_found_makes_empty_files(files):
    for form, name, content in (
        ("VOC", "det_cat.txt", ""), ("COCO", "det_.json", "[]\n"), ("ILSVRC", "det_.txt", "")
    ):  # fmt: skip
        run_batch(start(layer(files, form)), NOTHING, NOTHING, NOTHING)
        assert (files / "out" / name).read_text() == content


def test_num_test_image_begins_a_new_test(files):
    run = start(layer(files, "ILSVRC", "num_test_image: 2"))
    run_batch(run, BOTH, NOTHING, CAT)
    assert (files / "out" / "det_.txt").read_text().count("first") == 2
    run_batch(run, NOTHING)
    assert (files / "out" / "det_.txt").read_text() == "first 1 0.625 60 55 140 100\n"


@pytest.mark.parametrize(
    "resize, corners",
    [
        ("resize_mode: WARP height: 300 width: 300", "20 20 100 40"),
        # 100x200 in 300x300: the picture has y 0.25 to 0.75 of its padded image
        ("resize_mode: FIT_LARGE_SIZE_AND_PAD height: 300 width: 300", "20 0 100 30"),
        # in 400x100, wider than the image: the picture has x 0.375 to 0.625 of it
        ("resize_mode: FIT_LARGE_SIZE_AND_PAD height: 100 width: 400", "0 20 100 40"),
        ("resize_mode: FIT_SMALL_SIZE height: 300 width: 300", "20 20 100 40"),
        (
            "resize_mode: FIT_SMALL_SIZE height: 300 width: 300 height_scale: 60 width_scale: 80",
            "8 12 40 24",
        ),
    ],
)
def test_boxes_go_back_through_the_resizing(files, resize, corners):
    run = start(layer(files, "ILSVRC", f"resize_param {{ {resize} }}"))
    run_batch(run, BOTH, NOTHING, NOTHING)
    first = (files / "out" / "det_.txt").read_text().splitlines()[0]
    assert first == f"first 1 0.875 {corners}"


def test_without_all_three_names_nothing_is_written(files, caplog):
    text = layer(files, "VOC").replace(f'name_size_file: "{files}/sizes.txt"', "")
    with caplog.at_level(logging.WARNING):
        run = start(text)
    assert "lacks name_size_file" in caplog.text
    run_batch(run, BOTH)
    assert not (files / "out").exists()


def test_the_net_can_be_built_without_the_files(files):
    (files / "map.prototxt").unlink()
    run = start(layer(files, "VOC"))
    with pytest.raises(Exception, match=r"map\.prototxt: no such file"):
        run_batch(run, BOTH)


def test_a_definition_says_what_it_overwrites(files):
    param = text.parse(layer(files, "VOC"), schema.LayerParameter)
    assert f'the folder "{files}/out"' in layer_class("DetectionOutput").overwrites(param)
    assert layer_class("DetectionOutput").overwrites(schema.LayerParameter()) == ""


def test_errors(files):
    bottoms = [np.zeros((1, 8)), np.array([BOTH]), PRIORS]
    fails(layer(files, "VOCC"), bottoms, "output_format must be VOC, COCO, ILSVRC", '"VOC"')
    fails(layer(files, "VOC", "num_test_image: 4"), bottoms, "num_test_image asks for 4")
    (files / "map.prototxt").write_text('item { name: "cat" label: 1 }')
    fails(layer(files, "VOC"), bottoms, "no name for label 2")
    (files / "map.prototxt").write_text(MAP + 'item { name: "dog" label: 1 }')
    fails(layer(files, "VOC"), bottoms, "label 1 is named twice", '"cat" and "dog"')
    (files / "sizes.txt").write_text("first 100 200\nsecond 0 10\n")
    (files / "map.prototxt").write_text(MAP)
    fails(layer(files, "VOC"), bottoms, "sizes.txt:2", '"name height width" expected')
