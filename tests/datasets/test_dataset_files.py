"""The data sets as files: what they hold, in what order, and that writing can be repeated."""

import json

import h5py
import numpy as np
import pytest

from caffe_lite.data.datum import decode
from caffe_lite.data.flow_images import encode_flow
from caffe_lite.data.hdf5 import Hdf5Source
from caffe_lite.data.image_list import ImageList
from caffe_lite.data.images import read_image
from caffe_lite.data.lmdb_source import LmdbSource
from caffe_lite.datasets.captions import STEPS, VOCABULARY, word_ids
from caffe_lite.datasets.digits import load_digits
from caffe_lite.datasets.export import write_digits
from caffe_lite.datasets.export_clips import DEVIATION, FORMS, MEAN, write_moving_digits
from caffe_lite.datasets.moving_digits import make_clips
from caffe_lite.errors import DataError

TRAIN, TEST, TOGETHER = 12, 6, 3  # clips, and clips in a batch


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    return write_digits(tmp_path_factory.mktemp("data") / "digits")


@pytest.fixture(scope="module")
def moving(tmp_path_factory):
    return write(tmp_path_factory.mktemp("data") / "moving")


def write(path, forms=FORMS, train=TRAIN, progress=None):
    return write_moving_digits(path, train, TEST, 8, TOGETHER, forms, progress)


def rows(source, tops, count):
    reader = Hdf5Source(source, tops, np.random.default_rng(0))
    batch = [np.empty((count, *shape), np.float32) for shape in reader.row_shapes]
    reader.fill(batch)
    return batch


@pytest.mark.parametrize("split", ["train", "test"])
def test_digits_in_three_forms_and_one_order(digits, split):
    images, labels = load_digits(split)
    data, label = rows(digits / f"{split}.txt", ["data", "label"], len(labels))
    assert data.shape == (len(labels), 1, 8, 8)
    if split == "test":
        np.testing.assert_array_equal(data[:, 0] * 16, images)
        np.testing.assert_array_equal(label, labels)
    assert sorted(zip(data.reshape(-1, 64).tolist(), label.tolist(), strict=True)) == sorted(
        zip((images.reshape(-1, 64) / 16).tolist(), labels.tolist(), strict=True)
    )
    source = LmdbSource(digits / f"{split}_lmdb")
    listed = ImageList(digits / f"{split}_images.txt", np.random.default_rng(0), f"{digits}/")
    assert len(source) == len(listed) == len(labels)
    for index in range(0, len(labels), 40):
        source.seek(index)
        image, number = decode(source.next())
        assert number == label[index]
        assert np.abs(image / 255 - data[index]).max() < 0.002
        np.testing.assert_array_equal(
            read_image(f"{digits}/{listed.paths[index]}", color=False), image.transpose(1, 2, 0)
        )
        assert listed.labels[index] == number


def test_a_batch_is_clips_side_by_side_in_time(moving):
    clips = make_clips(TRAIN, 8)
    tops = ["data", "label", "clip_markers"]
    data, label, markers = rows(moving / "train.txt", tops, 16 * TRAIN)
    batch = data.reshape(TRAIN // TOGETHER, 16, TOGETHER, 32, 32)
    for index in range(TRAIN):
        mine = batch[index // TOGETHER, :, index % TOGETHER]
        np.testing.assert_array_equal(mine * DEVIATION + MEAN, clips.frames[index])
    by_time = label.reshape(-1, 16, TOGETHER)
    assert (by_time == clips.labels.reshape(-1, 1, TOGETHER)).all()
    markers = markers.reshape(-1, 16, TOGETHER)
    assert not markers[:, 0].any() and markers[:, 1:].all()
    flow = rows(moving / "train_flow.txt", tops, 16 * TRAIN)
    np.testing.assert_array_equal(flow[1], label)
    shown = flow[0].reshape(-1, 16, TOGETHER, 3, 32, 32)[:, :, 1].reshape(-1, 3, 32, 32)
    exact = clips.flow(slice(1, None, TOGETHER)).reshape(-1, 32, 32, 2)
    assert np.abs(shown[:, 2] - exact[..., 0]).max() <= 1 / 64
    assert np.abs(shown[:, 1] - exact[..., 1]).max() <= 1 / 64
    assert np.abs(shown[:, 0] - np.hypot(*exact.transpose(3, 0, 1, 2))).max() <= 1 / 64
    source = LmdbSource(moving / "train_lmdb")
    for row in range(16 * TRAIN):
        image, number = decode(source.next())
        np.testing.assert_array_equal(image, data[row] * DEVIATION + MEAN)
        assert number == label[row]


def test_frames_and_flow_as_images(moving):
    clips = make_clips(TEST, 8, "test")
    videos = [line.split() for line in (moving / "test_videos.txt").read_text().splitlines()]
    assert [int(label) for _, label in videos] == clips.labels.tolist()
    assert len({name for name, _ in videos}) == TEST
    shown = ImageList(moving / "test_frames.txt", np.random.default_rng(0), f"{moving}/")
    flow = ImageList(moving / "test_flow_frames.txt", np.random.default_rng(0), f"{moving}/")
    assert len(shown) == len(flow) == 16 * TEST
    for row in range(16 * TEST):
        path, label = shown.next()
        clip = clips[row // 16]
        assert label == clip.label
        grey = read_image(path, color=False)[..., 0].astype(int)
        assert np.abs(grey - clip.frames[row % 16]).mean() < 3
        moved = read_image(flow.next()[0]).astype(int)
        assert np.abs(moved - encode_flow(clip.flow[row % 16])).mean() < 3


def test_captions_go_with_their_pictures(moving):
    clips = make_clips(TRAIN, 8)
    vocabulary = (moving / "vocabulary.txt").read_text().split()
    assert vocabulary == list(VOCABULARY)
    folder = moving / "captions/train"
    assert (folder / "captions.txt").read_text().splitlines() == clips.captions
    tops = ["cont_sentence", "input_sentence", "target_sentence"]
    cont, words, target = rows(folder / "hdf5_chunk_list.txt", tops, STEPS * TRAIN // TOGETHER)
    images = ImageList(
        folder / "image_list.with_dummy_labels.txt", np.random.default_rng(0), f"{moving}/"
    )
    assert len(images) == TRAIN and words.shape[1] == TOGETHER
    for index in range(TRAIN):
        batch, stream = divmod(index, TOGETHER)
        ids = word_ids(clips.captions[index])
        mine = slice(batch * STEPS, (batch + 1) * STEPS)
        assert target[mine, stream].tolist()[: len(ids) + 1] == [*ids, 0]
        assert words[mine, stream].tolist()[: len(ids) + 1] == [0, *ids]
        assert cont[mine, stream].sum() == len(ids) and cont[mine.start, stream] == 0
        picture = read_image(images.next()[0])
        np.testing.assert_array_equal(picture.transpose(2, 0, 1), clips.frames[index, [0, 7, 15]])


def contents(path):
    return {
        file.relative_to(path): file.read_bytes()
        for file in path.rglob("*")
        if file.is_file() and file.name != "data.mdb"
    }


def test_a_second_run_writes_what_is_missing(tmp_path, moving):
    steps = []
    again = write(tmp_path / "again", progress=lambda *step: steps.append(step))
    assert [step[:2] for step in steps] == [(n, 10) for n in range(1, 11)]
    before = contents(moving)
    assert {name: data for name, data in contents(again).items() if name.suffix != ".h5"} == {
        name: data for name, data in before.items() if name.suffix != ".h5"
    }
    (again / "test_0.h5").unlink()
    video = next((again / "flow_images").iterdir())
    for file in video.iterdir():
        file.unlink()
    video.rmdir()
    kept = (again / "train_0.h5").stat().st_mtime_ns
    write(again)
    assert (again / "train_0.h5").stat().st_mtime_ns == kept
    assert contents(again).keys() == before.keys()
    for name in ("train_0.h5", "test_0.h5"):
        with h5py.File(again / name) as one, h5py.File(moving / name) as other:
            for key in other:
                np.testing.assert_array_equal(one[key][()], other[key][()])


def test_an_interrupted_run_leaves_no_broken_file(tmp_path):
    def stop(done, total, what):
        if what == "train flow":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(tmp_path, ("hdf5", "flow"), progress=stop)
    assert not (tmp_path / "test_0.h5").exists()
    assert not [name for name in contents(tmp_path) if name.name.startswith(".")]
    write(tmp_path, ("hdf5", "flow"))
    assert (tmp_path / "test_0.h5").exists()


def test_other_settings_do_not_mix(moving, digits):
    before = contents(moving)
    with pytest.raises(DataError, match="holds other data"):
        write(moving, train=2 * TRAIN)
    with pytest.raises(DataError, match="holds other data"):
        write_digits(moving)
    assert contents(moving) == before
    assert json.loads((digits / "dataset.json").read_text())["dataset"] == "digits"


def test_settings_that_do_not_go(tmp_path):
    with pytest.raises(DataError, match="13 clips are not whole batches of 3"):
        write(tmp_path, train=13)
    with pytest.raises(DataError, match="unknown form hdf; there are"):
        write(tmp_path, ("hdf",))
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="file/in"):
        write(tmp_path / "file" / "in")
