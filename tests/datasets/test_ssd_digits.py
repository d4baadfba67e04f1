"""The digits with boxes: what is drawn, and what the database holds."""

import numpy as np
import pytest

from caffe_lite.data.lmdb_source import LmdbSource
from caffe_lite.datasets.export_boxes import write_ssd_digits
from caffe_lite.datasets.ssd_digits import CLASSES, MOST, SIZE, make_scenes
from caffe_lite.errors import DataError
from caffe_lite.forks.boxes.overlaps import iou
from caffe_lite.forks.ssd._lists import read_label_map, read_name_sizes
from caffe_lite.proto import schema
from caffe_lite.testing import make_layer


@pytest.fixture(scope="module")
def scenes():
    return make_scenes(40)


def test_scenes_are_those_of_the_seed(scenes):
    for mine, again in zip(scenes, make_scenes(40), strict=True):
        assert (mine.image == again.image).all() and (mine.boxes == again.boxes).all()
    assert (make_scenes(1, seed=2)[0].image != scenes[0].image).any()
    assert (make_scenes(1, "test")[0].image != scenes[0].image).any()


def test_boxes_lie_on_the_canvas_apart_from_each_other(scenes):
    for scene in scenes:
        assert 1 <= len(scene.labels) <= MOST
        assert scene.image.shape == (SIZE, SIZE) and scene.image.dtype == np.uint8
        assert scene.boxes.min() >= 1 and scene.boxes.max() < SIZE
        overlaps = iou(np, scene.boxes, scene.boxes)
        assert (overlaps[~np.eye(len(overlaps), dtype=bool)] == 0).all()


def test_digits_are_of_all_labels_and_several_sizes(scenes):
    labels = np.concatenate([scene.labels for scene in scenes])
    assert set(labels) == set(range(1, CLASSES))
    boxes = np.concatenate([scene.boxes for scene in scenes])
    heights = boxes[:, 3] - boxes[:, 1]
    assert heights.min() < 24 and heights.max() > 48


def test_boxes_enclose_bright_ink(scenes):
    """The middle of a box is brighter than the canvas on the whole, at its brightest."""
    for scene in scenes:
        for left, top, right, bottom in scene.boxes:
            inside = scene.image[top:bottom, left:right]
            assert np.percentile(inside, 95) > 150
            edges = [inside[0], inside[-1], inside[:, 0], inside[:, -1]]
            assert all(edge.max() > 80 for edge in edges)  # ink reaches every side


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    return write_ssd_digits(tmp_path_factory.mktemp("data") / "ssd", 6, 4, seed=3)


def test_records_hold_the_scenes(written):
    for split, count in (("train", 6), ("test", 4)):
        source = LmdbSource(str(written / f"{split}_lmdb"))
        assert len(source) == count
        for scene in make_scenes(count, split, seed=3):
            record = schema.AnnotatedDatum.FromString(source.next())
            assert record.type == schema.AnnotatedDatum.BBOX
            assert record.datum.data == scene.image.tobytes()
            found = [
                (group.group_label, each.bbox.xmin, each.bbox.ymax)
                for group in record.annotation_group
                for each in group.annotation
            ]
            lefts, bottoms = scene.boxes[:, 0] / SIZE, scene.boxes[:, 3] / SIZE
            assert sorted(found) == sorted(zip(scene.labels, lefts, bottoms, strict=True))
        source.close()


def test_annotated_data_reads_them(written):
    run = make_layer(
        f'type: "AnnotatedData" data_param {{ source: "{written}/test_lmdb" backend: LMDB '
        "batch_size: 4 }",
        tops=2,
    )
    data, truth = run.forward()
    run.layer.close()
    scenes = make_scenes(4, "test", seed=3)
    np.testing.assert_array_equal(data[:, 0], [scene.image for scene in scenes])
    assert truth.shape[2] == sum(len(scene.labels) for scene in scenes)


def test_names_of_classes_and_images(written):
    names = read_label_map(str(written / "labelmap.prototxt"))
    assert names == {0: "background"} | {d + 1: f"digit_{d}" for d in range(10)}
    assert read_name_sizes(str(written / "test_name_size.txt"))[3] == ("00000003", (128, 128))


def test_other_settings_are_not_mixed(written):
    steps = []
    write_ssd_digits(written, 6, 4, seed=3, progress=lambda *step: steps.append(step[:2]))
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]
    with pytest.raises(DataError, match="holds other data"):
        write_ssd_digits(written, 7, 4, seed=3)
