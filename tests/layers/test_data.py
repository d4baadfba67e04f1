"""Data: recorded batches of Caffe, order, labels, skipping, resuming and broken databases."""

from pathlib import Path

import numpy as np
import pytest

from caffe_lite.backend import get_ops
from caffe_lite.data.datum import encode
from caffe_lite.data.lmdb_writer import LmdbWriter
from caffe_lite.testing import make_layer
from tests.layers.sources import batches, check_resume, fails_with, pictures, write_database

RECORDED = np.load(Path(__file__).parent.parent / "reference/data/data_transform.npz")
CASES = sorted({key.split("/")[1] for key in RECORDED.files if key.startswith("case/")})


def text(source, options="batch_size: 3", transform="", tops='top: "data" top: "label"'):
    return (
        f'type: "Data" {tops} transform_param {{ {transform} }} '
        f'data_param {{ source: "{source}" backend: LMDB {options} }}'
    )


@pytest.mark.parametrize("case", CASES)
def test_recorded_batches(case, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mean.binaryproto").write_bytes(RECORDED["mean.binaryproto"].tobytes())
    with LmdbWriter("db") as writer:
        for image, label in zip(RECORDED["datums/images"], RECORDED["datums/labels"], strict=True):
            writer.put(encode(image, int(label)))
    run = make_layer(str(RECORDED[f"case/{case}/prototxt"]), phase="TEST", ops=get_ops())
    for i, (data, label) in enumerate(batches(run, 3)):
        np.testing.assert_allclose(data, RECORDED[f"case/{case}/data"][i], rtol=1e-5, atol=1e-5)
        np.testing.assert_array_equal(label, RECORDED[f"case/{case}/label"][i])
    run.layer.close()


def test_order_and_shapes_with_and_without_labels(tmp_path):
    images = pictures(5)
    write_database(tmp_path / "db", images)
    run = make_layer(text(tmp_path / "db", transform="scale: 0.5"))
    assert [blob.shape for blob in run.top] == [(3, 3, 6, 5), (3,)]
    for i, (data, label) in enumerate(batches(run, 4)):
        ids = np.arange(3 * i, 3 * i + 3) % 5
        np.testing.assert_array_equal(label, ids)
        np.testing.assert_array_equal(data, images[ids] * 0.5)
    run.layer.close()
    alone = make_layer(text(tmp_path / "db", tops='top: "data"'))
    np.testing.assert_array_equal(alone.forward()[0], images[:3])
    alone.layer.close()


def test_training_crops_and_mirrors_at_random(tmp_path):
    image = np.arange(30, dtype=np.uint8).reshape(1, 1, 6, 5)
    write_database(tmp_path / "db", image)
    run = make_layer(text(tmp_path / "db", "batch_size: 200", "crop_size: 4 mirror: true"))
    data, _ = run.forward()
    expected = {
        image[0, 0, h : h + 4, w : w + 4][:, ::step].tobytes()
        for h in range(3)
        for w in range(2)
        for step in (1, -1)
    }
    assert {part[0].astype(np.uint8).tobytes() for part in data} == expected
    run.layer.close()
    middle = make_layer(text(tmp_path / "db", transform="crop_size: 4"), phase="TEST")
    np.testing.assert_array_equal(middle.forward()[0][0, 0], image[0, 0, 1:5, 0:4])
    middle.layer.close()


def test_encoded_datums_and_forced_colour(tmp_path):
    images = pictures(3)
    write_database(tmp_path / "colour", images, encoded=True)
    run = make_layer(text(tmp_path / "colour"))
    np.testing.assert_array_equal(run.forward()[0], images)
    run.layer.close()
    write_database(tmp_path / "grey", images[:, :1], encoded=True)
    for options, transform in (("force_encoded_color: true", ""), ("", "force_color: true")):
        run = make_layer(text(tmp_path / "grey", f"batch_size: 3 {options}", transform))
        np.testing.assert_array_equal(run.forward()[0], np.repeat(images[:, :1], 3, axis=1))
        run.layer.close()


def test_raw_datums_keep_their_channels_with_a_warning(tmp_path, caplog):
    images = pictures(4)
    write_database(tmp_path / "db", images)
    run = make_layer(text(tmp_path / "db", transform="force_gray: true"))
    assert [blob.shape for blob in run.top] == [(3, 3, 6, 5), (3,)]
    np.testing.assert_array_equal(run.forward()[0], images[:3])
    run.layer.close()
    assert [record.message.partition(": ")[2] for record in caplog.records] == [
        "force_gray is for encoded images; this record is raw and keeps its 3 channels"
    ]
    caplog.clear()
    run = make_layer(text(tmp_path / "db", transform="force_color: true"))
    np.testing.assert_array_equal(run.forward()[0], images[:3])
    run.layer.close()
    assert not caplog.records


def test_single_images_may_differ_in_size(tmp_path):
    small, large = pictures(1, 4, 5)[0], pictures(1, 7, 6)[0]
    write_database(tmp_path / "db", [small, large])
    run = make_layer(text(tmp_path / "db", "batch_size: 1"))
    for image in (small, large, small):
        np.testing.assert_array_equal(run.forward()[0][0], image)
    run.layer.close()
    both = make_layer(text(tmp_path / "db", "batch_size: 2"))
    with pytest.raises(Exception, match="key .00000001.*must have one size"):
        both.forward()
    both.layer.close()


def test_rand_skip_begins_anywhere_below_it(tmp_path):
    write_database(tmp_path / "db", pictures(9))
    firsts = set()
    for seed in range(30):
        run = make_layer(text(tmp_path / "db", "batch_size: 1 rand_skip: 4"), seed=seed)
        firsts.add(int(run.forward()[1][0]))
        run.layer.close()
    assert firsts == {0, 1, 2, 3}


@pytest.mark.parametrize("before", [0, 1, 3])
def test_resume(tmp_path, before):
    write_database(tmp_path / "db", pictures(5))
    check_resume(
        text(
            tmp_path / "db", "batch_size: 3 rand_skip: 4 prefetch: 2", "crop_size: 3 mirror: true"
        ),
        before,
        5,
    )


def test_errors(tmp_path):
    write_database(tmp_path / "db", pictures(2))
    source = tmp_path / "db"
    fails_with(text("/nowhere"), "/nowhere: no LMDB database here")
    fails_with(text(source, "batch_size: 0"), "batch_size must be at least 1")
    fails_with(text(source, "batch_size: 1 scale: 2"), "scale belongs in transform_param")
    fails_with(text(source, transform="crop_size: 7"), "crop_size 7 is larger than the image", "db")
    fails_with(text(source, transform="mean_value: 1 mean_value: 2"), "2 mean_value")
    with LmdbWriter(tmp_path / "other") as writer:
        writer.put(b"\xff\xff no datum")
    fails_with(text(tmp_path / "other"), 'key "00000000"', "not a Datum")
