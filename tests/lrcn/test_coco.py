"""COCO's JSON, and what is wrong with it."""

import json

import pytest

from caffe_lite.errors import DataError
from caffe_lite.lrcn.coco import read_annotations, read_results


def write(tmp_path, content):
    path = tmp_path / "c.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_captions_stand_by_image_in_the_files_order(tmp_path):
    found = read_annotations(
        write(
            tmp_path,
            {
                "info": {},
                "images": [
                    {"id": 4, "file_name": "d.jpg", "height": 3},
                    {"id": 2, "file_name": "b.jpg"},
                    {"id": "x", "file_name": "x"},
                ],
                "annotations": [
                    {"image_id": 2, "caption": "A.", "id": 1},
                    {"image_id": 4, "caption": "B"},
                    {"image_id": 2, "caption": "C"},
                ],
            },
        )
    )
    assert found.files == {4: "d.jpg", 2: "b.jpg", "x": "x"}
    assert found.captions == {4: ["B"], 2: ["A.", "C"], "x": []}


def test_half_characters_and_a_byte_order_mark_do_no_harm(tmp_path):
    path = tmp_path / "c.json"
    path.write_bytes(b'\xef\xbb\xbf[{"image_id": 1, "caption": "a \\ud83d cat \\ud83d\\udc31"}]')
    assert read_results(path) == {1: "a \ufffd cat \U0001f431"}


def test_results_are_one_caption_per_image(tmp_path):
    results = [{"image_id": 3, "caption": "a", "log_prob": -1}, {"image_id": "y", "caption": ""}]
    assert read_results(write(tmp_path, results)) == {3: "a", "y": ""}


IMAGES = {"images": [{"id": 1, "file_name": "a"}]}


@pytest.mark.parametrize(
    "content, told",
    [
        ("[1, ", "c.json: not a JSON file: "),
        ("[" * 100000, "c.json: not a JSON file: "),
        ([], 'lists "images" and "annotations"'),
        ({"images": [], "annotations": 3}, 'lists "images" and "annotations"'),
        (
            {"images": [3], "annotations": []},
            r'images\[0\]: "id" must be a number or text, got null',
        ),
        ({"images": [{"id": True}], "annotations": []}, '"id" must be a number or text, got true'),
        ({"images": [{"id": 1, "file_name": 2}], "annotations": []}, '"file_name" must be text'),
        (
            {**IMAGES, "annotations": [{"image_id": 9, "caption": "a"}]},
            r"c.json: annotations\[0\]: image 9 is not among its images",
        ),
        ({**IMAGES, "annotations": [{"image_id": 1}]}, '"caption" must be text, got null'),
    ],
)
def test_what_is_wrong_is_told(tmp_path, content, told):
    with pytest.raises(DataError, match=told):
        read_annotations(write(tmp_path, content))


KARPATHY = {
    "dataset": "flickr30k",
    "images": [
        {"imgid": 0, "filename": "a.jpg", "split": "train", "sentences": [{"raw": "A dog."}]},
        {"imgid": 1, "filename": "b.jpg", "split": "test", "sentences": []},
        {
            "imgid": 2,
            "cocoid": 77,
            "filepath": "val2014",
            "filename": "c.jpg",
            "split": "restval",
            "sentences": [{"raw": "A cat.", "tokens": ["a", "cat"]}, {"raw": "Two cats."}],
        },
    ],
}


def karpathy(tmp_path, content=KARPATHY):
    path = tmp_path / "k.json"
    path.write_text(json.dumps(content))
    return path


def test_files_in_karpathys_form_are_read_by_split(tmp_path):
    path = karpathy(tmp_path)
    everything = read_annotations(path)
    assert everything.files == {0: "a.jpg", 1: "b.jpg", 77: "val2014/c.jpg"}
    assert everything.captions == {0: ["A dog."], 1: [], 77: ["A cat.", "Two cats."]}
    assert read_annotations(path, "test").files == {1: "b.jpg"}
    assert list(read_annotations(path, "train+restval").files) == [0, 77]


@pytest.mark.parametrize(
    "change, told",
    [
        ({"split": 3}, r'images\[0\]: "split" must be text, got 3'),
        ({"imgid": None}, r'images\[0\]: "imgid" must be a number or text, got null'),
        ({"imgid": 1}, r"images\[1\]: image 1 is listed already"),
        ({"sentences": {}}, r'images\[0\]: "sentences" must be a list, got {}'),
        ({"sentences": [{}]}, r'images\[0\]: sentences\[0\]: "raw" must be text, got null'),
    ],
)
def test_bad_files_in_karpathys_form_are_reported(tmp_path, change, told):
    images = [{**KARPATHY["images"][0], **change}, *KARPATHY["images"][1:]]
    with pytest.raises(DataError, match=told):
        read_annotations(karpathy(tmp_path, {"images": images}))
    with pytest.raises(DataError, match='the split "val"; the splits are restval, test, train'):
        read_annotations(karpathy(tmp_path), "val")
