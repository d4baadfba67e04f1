import numpy as np
import pytest

from caffe_lite.errors import CaffeError
from caffe_lite.forks.nvidia import _shuffled
from caffe_lite.layers import data
from caffe_lite.testing import make_layer
from tests.layer_case import Case
from tests.layers.sources import check_resume, pictures, write_database

CASES = [
    Case(
        "Data",
        'data_param { source: "train_lmdb" backend: LMDB batch_size: 2 shuffle: true }',
        tops=2,
        gradient=False,
    ),
]
SAMPLES = {"Data": ()}


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(_shuffled, "BLOCK", 4)


def text(folder, batch, shuffle="shuffle: true"):
    return (
        f'type: "Data" top: "data" top: "label" data_param {{ source: "{folder}/db" '
        f"backend: LMDB batch_size: {batch} prefetch: 1 {shuffle} }}"
    )


def passes(run, count):
    found = []
    for _ in range(count):
        data_, label = run.forward()
        found.append(tuple(label.astype(int)))
    run.layer.close()
    return found


@pytest.mark.parametrize("count", [1, 3, 4, 11])
def test_every_record_once_a_pass(tmp_path, count):
    write_database(tmp_path / "db", pictures(count))
    found = passes(make_layer(text(tmp_path, count)), 6)
    assert all(sorted(ids) == list(range(count)) for ids in found)
    if count == 11:
        assert len({*found, tuple(range(11))}) == 7
        assert len({ids[:4] for ids in found}) > 1


def test_images_keep_their_labels_and_batches_cross_passes(tmp_path):
    images = pictures(7)
    write_database(tmp_path / "db", images)
    run = make_layer(text(tmp_path, 3))
    labels = []
    for _ in range(7):
        data_, label = run.forward()
        np.testing.assert_array_equal(data_, images[label.astype(int)])
        labels += list(label)
    assert all(sorted(labels[i : i + 7]) == list(range(7)) for i in (0, 7, 14))
    run.layer.close()


def test_resuming(tmp_path):
    write_database(tmp_path / "db", pictures(11))
    check_resume(text(tmp_path, 3), 2, 9)
    check_resume(text(tmp_path, 3), 5, 4)


def test_false_means_what_it_means_to_caffe(tmp_path):
    write_database(tmp_path / "db", pictures(5))
    assert passes(make_layer(text(tmp_path, 5, "shuffle: false")), 2) == [tuple(range(5))] * 2
    run = make_layer(text(tmp_path, 5, ""))
    assert type(run.layer) is data.Data
    run.layer.close()


def test_a_bad_record_is_named(tmp_path):
    write_database(tmp_path / "db", [pictures(1, 4, 5)[0], pictures(1, 6, 7)[0]])
    run = make_layer(text(tmp_path, 2))
    with pytest.raises(CaffeError, match=r'db, key "'):
        run.forward()
    run.layer.close()
